import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { parseDuration } from './duration.ts';

/** How instances of a task are asked for their health: `service_config.health_check`. */
export interface HealthCheck {
  /** Below the address of the instance. */
  readonly path: string;
  /** False where nobody said which path it is: a service that has none there answers all the same. */
  readonly isPathGiven: boolean;
  /** How long what an instance told, or was found to be, counts. */
  readonly intervalMs: number;
  /** Of one question. */
  readonly timeoutMs: number;
  /** How often a question without a good answer is asked again before the instance is unhealthy. */
  readonly retries: number;
  /** What of the configuration means nothing, and is taken to be the default. */
  readonly faults: readonly string[];
}

const DEFAULTS = { path: '/health', intervalMs: 30_000, timeoutMs: 3_000, retries: 1 };
const BOUNDS = { intervalMs: [1_000, 3_600_000], timeoutMs: [100, 30_000], retries: [0, 5] } as const;

/** Reads what a tenant wrote: what means nothing is the default, what goes too far its bound. Never throws. */
export function readHealthCheck(serviceConfig: JsonObject): HealthCheck {
  const given = findByPointer(serviceConfig, '/health_check');
  const config = isJsonObject(given) ? given : {};
  const faults: string[] = given === undefined || isJsonObject(given) ? [] : ['health_check is no object'];
  const read = <T>(
    name: string,
    { parse, fallback }: { parse: (value: JsonValue) => T | undefined; fallback: T },
  ): T => {
    const value = config[name];
    const parsed = value === undefined ? undefined : parse(value);
    if (value !== undefined && parsed === undefined) faults.push(`health_check.${name} means nothing`);
    return parsed ?? fallback;
  };
  const duration = (name: 'interval' | 'timeout'): number => {
    const key = `${name}Ms` as const;
    return within(BOUNDS[key], read(name, { parse: parseDuration, fallback: DEFAULTS[key] }));
  };
  const path = read<string | undefined>('path', { parse: parsePath, fallback: undefined });
  return {
    ...{ path: path ?? DEFAULTS.path, isPathGiven: path !== undefined },
    intervalMs: duration('interval'),
    timeoutMs: duration('timeout'),
    retries: within(BOUNDS.retries, read('retries', { parse: parseCount, fallback: DEFAULTS.retries })),
    faults,
  };
}

const parsePath = (value: JsonValue): string | undefined =>
  typeof value === 'string' && value !== '' && value.length <= 500 ? value : undefined;

const parseCount = (value: JsonValue): number | undefined => {
  const count = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count >= 0 ? count : undefined;
};

const within = ([least, most]: readonly [number, number], value: number): number =>
  Math.min(Math.max(value, least), most);
