import type { MetadataDatabase } from '../metadata/metadata-database.ts';
import type { Platform } from '../platform.ts';
import type { Signals } from '../ports/signals.ts';
import { createLocalSignals } from './create-local-signals.ts';

const ofThisProcess = new WeakMap<MetadataDatabase, Signals>();

/** The platform's signals; where it has none, those which everybody in this process shares who holds the same handle of the Metadata DB. */
export function signalsOf({ metadata, signals, logger }: Pick<Platform, 'metadata' | 'signals' | 'logger'>): Signals {
  if (signals) return signals;
  const known = ofThisProcess.get(metadata);
  if (known) return known;
  const created = createLocalSignals({ logger });
  ofThisProcess.set(metadata, created);
  return created;
}
