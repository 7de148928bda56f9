import type { MadResultCache } from '@mad/cache';
import type { Caller, MetadataDatabase, Platform, ResultsDatabase } from '@mad/core';
import type { Target } from './target.ts';
import type { Look } from './undone.ts';

/** What an organization calls with. */
export interface Attacker {
  readonly platform: Platform & { readonly cache: MadResultCache };
  readonly metadata: MetadataDatabase;
  /** Its own Results DB. */
  readonly results: ResultsDatabase;
  readonly caller: Caller;
  /** What it may name. */
  readonly own: Target;
}

/** A function of the library, called with everything of another organization that it could be given. */
export interface Call {
  readonly name: string;
  readonly kind: 'service' | 'metadata' | 'results';
  /** Repository functions are called in a transaction that is looked into and undone. */
  run(attacker: Attacker, target: Target, look?: Look): unknown;
  /** Why the answer may tell that an id is taken. Absent: it may not. */
  readonly tells?: string | undefined;
}

/** Exported functions by their names. */
export type Exports = Readonly<Record<string, unknown>>;

/** By the function's name, followed by a dot and a word where it is called in several ways: its arguments after the first. */
export type Arguments = Readonly<Record<string, (target: Target, attacker: Attacker) => readonly unknown[]>>;

export function callExport(exports: Exports, name: string, given: readonly unknown[]): unknown {
  const called = exports[nameOf(name)];
  if (typeof called !== 'function') throw new TypeError(`expected a function ${name} among the exports`);
  return (called as (...given: readonly unknown[]) => unknown)(...given);
}

/** Of the function that a call is of. */
export const nameOf = (call: string): string => call.split('.')[0] ?? call;
