import { createHash } from 'node:crypto';
import { inputSignature } from '@mad/cache';
import type { JsonObject } from '@mad/core';
import objectHash from 'object-hash';
import { hash as ohash } from 'ohash';
import { atLeast, atMost } from '../../goal.ts';
import { median } from '../../median.ts';
import type { CacheContest } from '../contest.ts';
import { requestWith } from './request-with.ts';

const ROUNDS = 15;
const NAMES = ['mad', 'bare sha256', 'ohash', 'object-hash', 'mad, seen before'] as const;
type Name = (typeof NAMES)[number];

interface Size {
  readonly name: string;
  /** Characters of the receptor in the request; 0: it is an artifact. */
  readonly receptor: number;
  readonly repeats: number;
  readonly without: readonly Name[];
}

const SIZES: readonly Size[] = [
  { name: '1 KB', receptor: 0, repeats: 2_000, without: ['mad, seen before'] },
  { name: '200 KB', receptor: 200_000, repeats: 10, without: [] },
  { name: '5 MB', receptor: 5_000_000, repeats: 1, without: [] },
];

/**
 * Signatures of docking requests beside object-hash and ohash of the same value and the bare SHA-256 of its JSON, in turns; medians of the rounds. A
 * receptor is another one in every round, so that `mad` has not seen it, and `seen before` is the same request signed again.
 */
export async function contestSignatures(print: (line: string) => void): Promise<CacheContest> {
  const rows: string[][] = [['µs a signature', ...NAMES]];
  const found = new Map<string, Record<Name, number>>();
  for (const size of SIZES) {
    const times = await measure(size);
    found.set(size.name, times);
    rows.push([size.name, ...NAMES.map((name) => (Number.isNaN(times[name]) ? '–' : times[name].toFixed(1)))]);
    print(`signatures: ${size.name} measured`);
  }
  const ratio = (size: string, name: Name): number =>
    (found.get(size)?.[name] ?? Number.NaN) / (found.get(size)?.mad ?? Number.NaN);
  return {
    rows,
    goals: [
      atLeast('signatures of 1 KB beside object-hash', 10, ratio('1 KB', 'object-hash')),
      atLeast('signatures of 1 KB beside ohash', 1, ratio('1 KB', 'ohash')),
      atLeast('signatures of 5 MB beside bare sha256', 0.85, ratio('5 MB', 'bare sha256')),
      atMost('µs of a request of 5 MB seen before', 15, found.get('5 MB')?.['mad, seen before']),
    ],
  };
}

async function measure({ receptor, repeats, without }: Size): Promise<Record<Name, number>> {
  const times = Object.fromEntries(NAMES.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -2; round < ROUNDS; round++) {
    // As a server reads it: every string on its own, and none that anybody has seen.
    const requests = Array.from({ length: receptor > 0 ? repeats : 1 }, (_, i) =>
      requestWith({ receptor, nonce: `${round} ${i}` }),
    );
    const bytes = requests.map((request) => Buffer.from(JSON.stringify(request)));
    const work: Record<Name, (at: number) => unknown> = {
      mad: (at) => sign(requests, at),
      'mad, seen before': (at) => sign(requests, at),
      'bare sha256': (at) =>
        createHash('sha256')
          .update(bytes[at % bytes.length] as Buffer)
          .digest('hex'),
      ohash: (at) => ohash(requests[at % requests.length]),
      'object-hash': (at) => objectHash(requests[at % requests.length] as JsonObject, { algorithm: 'sha256' }),
    };
    // Those that keep something in memory begin in turn, `seen before` always right after the first time.
    for (const name of ['mad', 'mad, seen before', 'ohash', 'bare sha256', 'object-hash'] as const) {
      if (without.includes(name)) continue;
      // One that takes microseconds cannot be timed alone.
      const count = name === 'mad, seen before' ? Math.max(repeats, 50) : repeats;
      const begun = performance.now();
      for (let at = 0; at < count; at++) work[name](at);
      if (round >= 0) times[name].push(((performance.now() - begun) / count) * 1_000);
    }
    await new Promise((done) => setImmediate(done));
  }
  return Object.fromEntries(NAMES.map((name) => [name, median(times[name])])) as Record<Name, number>;
}

const sign = (requests: readonly JsonObject[], at: number): string =>
  inputSignature({ inputs: {}, parameters: requests[at % requests.length] as JsonObject });
