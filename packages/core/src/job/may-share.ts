import type { JsonValue } from '../json.ts';
import type { DecidedJob, Demands } from './look-up-jobs.ts';

/** True for answers that come out the same again; false also for what does not say that it does. */
export function isRepeatable(determinism: JsonValue | undefined): boolean {
  return determinism === 'exact' || determinism === 'seeded';
}

/** True where equal questions of one moment may have one answer. */
export function mayShare(
  determinism: JsonValue | undefined,
  { acceptStochastic = false }: Pick<Demands, 'acceptStochastic'>,
): boolean {
  return isRepeatable(determinism) || acceptStochastic;
}

/** True for a job that waits for an equal one which is open, or is waited for: it asked the cache, found nothing, and is to run now. */
export function isAwaited({
  request,
  identity,
  decision,
  demands,
}: Pick<DecidedJob, 'request' | 'identity' | 'decision' | 'demands'>): boolean {
  if (!identity || decision.outcome === 'hit' || request.useCache === false || request.runAfter !== undefined)
    return false;
  return mayShare(identity.keyComponents.determinism, demands);
}
