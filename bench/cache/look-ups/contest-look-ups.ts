import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createResultCache } from '@mad/cache';
import {
  connectPostgres,
  createLocalArtifactStore,
  type MetadataDatabase,
  migrateResults,
  newId,
  openResultsDatabase,
} from '@mad/core';
import { type PostgresServer, startPostgresServer } from '@mad/testkit';
import { Client } from 'pg';
import { atLeast } from '../../goal.ts';
import { median } from '../../median.ts';
import type { CacheContest } from '../contest.ts';
import { type EntryKind, fillEntries } from './filled-entries.ts';

const ENTRIES = 20_000;
const ENTRIES_WITH_FILE = 2_000;
const WHOLE_JOBS = 5_000;
const ROUNDS = 9;
const ROUND_MS = 1_000;
const BULK = 100;
const AT_ONCE = 50;
/** Files that were stored a moment ago are read every time. */
const SETTLE_MS = 2_100;

/** Asks for these keys and returns how many were answered. */
type Ask = (keys: readonly string[]) => Promise<number>;

interface Contender {
  readonly name: string;
  readonly keys: readonly string[];
  readonly perCall: number;
  readonly ask: Ask;
}

/**
 * Verified look-ups of 100 keys in one call and of 50 keys one by one at the same moment, beside the bare statements that read the rows of the table and
 * verify nothing: of 100 keys by `= ANY`, and by primary key, 50 in the pipeline of one connection. In turns, on one server; the median of the rounds.
 */
export async function contestLookUps(print: (line: string) => void): Promise<CacheContest> {
  await using made = new AsyncDisposableStack();
  const server = made.use(await startPostgresServer({ settings: ['jit=off', 'shared_buffers=256MB'] }));
  const contenders = await prepare(made, server, print);
  const rates = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const contender of contenders) rates.get(contender.name)?.push(await measure(contender, ROUND_MS));
    print(`look-ups: round ${round + 1} of ${ROUNDS}`);
  }
  const rate = (name: string): number => median(rates.get(name) ?? []);
  const share = (name: string, bare: string): number =>
    median((rates.get(name) ?? []).map((found, round) => found / (rates.get(bare)?.[round] ?? Number.NaN)));
  const rows = contenders.map(({ name, perCall }) => {
    const bare = perCall === BULK ? BARE_BULK : BARE_SINGLE;
    return [name, Math.round(rate(name)).toLocaleString('en'), share(name, bare).toFixed(2)];
  });
  return {
    rows: [['look-ups', 'keys/s', 'of the bare SELECT'], ...rows],
    goals: [
      atLeast('100 keys in one look-up, of a bare SELECT … = ANY', 0.8, share(`${BULK} in one: step`, BARE_BULK)),
      atLeast(
        '50 look-ups at once, of a bare pipelined SELECT by key',
        0.6,
        share(`${AT_ONCE} at once: step`, BARE_SINGLE),
      ),
    ],
  };
}

const BARE_BULK = `${BULK} in one: bare SELECT`;
const BARE_SINGLE = `${AT_ONCE} at once: bare SELECT`;

async function prepare(
  made: AsyncDisposableStack,
  server: PostgresServer,
  print: (line: string) => void,
): Promise<readonly Contender[]> {
  const db = made.adopt(connectPostgres({ connectionString: server.url(), max: 4 }), (kysely) => kysely.destroy());
  await migrateResults(db);
  const results = openResultsDatabase(db, { schema: 'public' });
  const folder = made.adopt(await mkdtemp(join(tmpdir(), 'mad-look-ups-')), (path) => rm(path, { recursive: true }));
  const artifacts = createLocalArtifactStore({ folder });
  // Only damage is written there, and nothing is damaged.
  const metadata = db as unknown as MetadataDatabase;
  const cache = made.use(createResultCache({ artifacts, metadata }));
  const orgId = newId();
  const counts: readonly (readonly [EntryKind, number])[] = [
    ['step', ENTRIES],
    ['step with a file', ENTRIES_WITH_FILE],
    ['whole job', WHOLE_JOBS],
  ];
  const keysOf = new Map<EntryKind, readonly string[]>();
  for (const [kind, count] of counts) {
    keysOf.set(kind, await fillEntries({ results, artifacts, metadata, orgId, kind, count }));
    print(`look-ups: ${count} entries of a ${kind}`);
  }
  await using admin = await connect(server, {});
  await admin.client.query('VACUUM ANALYZE');
  await setTimeout(SETTLE_MS);

  const plain = made.use(await connect(server, {}));
  const pipelined = made.use(await connect(server, { pipeline: true }));
  const bulk: Ask = async (keys) =>
    (await cache.findMany(results, { orgId, questions: keys.map((cacheKey) => ({ cacheKey })) })).filter(
      ({ outcome }) => outcome === 'hit',
    ).length;
  const single: Ask = async (keys) =>
    (await Promise.all(keys.map((cacheKey) => cache.find(results, { orgId, cacheKey })))).filter(
      ({ outcome }) => outcome === 'hit',
    ).length;
  const bareBulk: Ask = async (keys) =>
    (
      await plain.client.query({
        name: 'bulk',
        text: 'SELECT * FROM result_cache WHERE cache_key = ANY ($1::text[])',
        values: [keys],
      })
    ).rows.length;
  const bareSingle: Ask = async (keys) => {
    const text = 'SELECT * FROM result_cache WHERE cache_key = $1';
    const found = await Promise.all(keys.map((key) => pipelined.client.query({ name: 'single', text, values: [key] })));
    return found.reduce((sum, { rows }) => sum + rows.length, 0);
  };
  const steps = keysOf.get('step') ?? [];
  const ours = counts.flatMap(([kind]) => {
    const keys = keysOf.get(kind) ?? [];
    return [
      { name: `${BULK} in one: ${kind}`, keys, perCall: BULK, ask: bulk },
      { name: `${AT_ONCE} at once: ${kind}`, keys, perCall: AT_ONCE, ask: single },
    ];
  });
  const bare = [
    { name: BARE_BULK, keys: steps, perCall: BULK, ask: bareBulk },
    { name: BARE_SINGLE, keys: steps, perCall: AT_ONCE, ask: bareSingle },
  ];
  return [...bare, ...ours].sort((a, b) => b.perCall - a.perCall);
}

/** Keys a second. */
async function measure({ name, keys, perCall, ask }: Contender, forMs: number): Promise<number> {
  const pick = () => Array.from({ length: perCall }, () => keys[Math.floor(Math.random() * keys.length)] ?? '');
  const wanted = pick();
  const found = await ask(wanted);
  // Of a key that is asked for twice = ANY gives one row.
  if (found < new Set(wanted).size) throw new TypeError(`${name}: ${found} of ${perCall} keys were answered`);
  const startedAt = performance.now();
  let asked = 0;
  while (performance.now() - startedAt < forMs) {
    await ask(pick());
    asked += perCall;
  }
  return (asked / (performance.now() - startedAt)) * 1_000;
}

async function connect(
  server: PostgresServer,
  options: { readonly pipeline?: boolean },
): Promise<AsyncDisposable & { readonly client: Client }> {
  const client = new Client({ connectionString: server.url(), ...options });
  await client.connect();
  return { client, [Symbol.asyncDispose]: () => client.end() };
}
