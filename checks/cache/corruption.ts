import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { MadResultCache } from '@mad/cache';
import { type CacheDecision, inOrganization, listAuditLogs } from '@mad/core';
import type { Check, CheckSize } from '../check.ts';
import { type FilledCache, fillCache, type RecordedEntry } from './corruption/filled-cache.ts';
import { HARMS } from './corruption/harms.ts';

const SIZES: Readonly<Record<CheckSize, { readonly harmed: number; readonly sound: number }>> = {
  full: { harmed: 10_000, sound: 1_000 },
  small: { harmed: 240, sound: 40 },
};
/** Files that were stored a moment ago are read every time: the check is of those that are known. */
const SETTLE_MS = 2_100;
const AT_ONCE = 50;

/**
 * Entries of steps and whole jobs, each with a file of its own, that were served and then harmed, each in one of six ways. Asked for again, in one statement and
 * one by one, by the cache that served them and by one that has seen nothing, none is served; those that nobody harmed all are.
 */
export const corruptionCheck: Check = {
  name: 'corruption',
  async run(size, print) {
    const { harmed, sound } = SIZES[size];
    await using filled = await fillCache(harmed + sound);
    const harmedEntries = filled.entries.slice(0, harmed);
    const soundEntries = filled.entries.slice(harmed);
    await setTimeout(SETTLE_MS);
    await using warm = filled.openCache();
    const before = [...(await askMany(filled, warm, filled.entries)), ...(await askMany(filled, warm, filled.entries))];
    const servedBefore = before.filter(({ isRight }) => isRight).length / 2;
    print(`${servedBefore} of ${filled.entries.length} served before`);

    const byHarm = HARMS.map((harm, n) => ({
      harm,
      entries: harmedEntries.filter((_, at) => at % HARMS.length === n),
    }));
    for (const { harm, entries } of byHarm) await harm.harm(filled, entries);

    await using cold = filled.openCache();
    const served = new Map<string, number>();
    const reasons: Record<string, number> = {};
    for (const { harm, entries } of byHarm) {
      const answers = await askEachWay(filled, { warm, cold, entries });
      served.set(harm.name, answers.filter(({ decision }) => decision.outcome === 'hit').length);
      for (const { decision } of answers)
        if (decision.outcome === 'miss')
          reasons[`${harm.name}: ${decision.reason}`] = (reasons[`${harm.name}: ${decision.reason}`] ?? 0) + 1;
    }
    const right = (await askEachWay(filled, { warm, cold, entries: soundEntries })).filter(
      ({ isRight }) => isRight,
    ).length;
    const damaged = byHarm.reduce((sum, { harm, entries }) => sum + (harm.isDamage ? entries.length : 0), 0);
    const quarantined = await countQuarantined(filled);
    const audited = await countAudited(filled);

    const wrong = [...served.values()].reduce((sum, number) => sum + number, 0);
    for (const [name, number] of served) if (number > 0) print(`${name}: ${number} served`);
    const passed =
      wrong === 0 &&
      right === sound &&
      servedBefore === filled.entries.length &&
      quarantined === damaged &&
      audited === damaged;
    const line =
      `corruption ${wrong} wrong of ${harmed} harmed in ${HARMS.length} ways, ${right}/${sound} sound ones served; ` +
      `${quarantined}/${damaged} damaged in quarantine, ${audited} in the audit trail`;
    return {
      passed,
      line,
      figures: { harmed, wrong, sound, right, servedBefore, damaged, quarantined, audited, reasons },
    };
  },
};

interface Answer {
  readonly decision: CacheDecision;
  /** Served, with what was recorded. */
  readonly isRight: boolean;
}

/** A quarter each: by the cache that knows the files and by a new one, in one statement and one by one. */
async function askEachWay(
  filled: FilledCache,
  {
    warm,
    cold,
    entries,
  }: { readonly warm: MadResultCache; readonly cold: MadResultCache; readonly entries: readonly RecordedEntry[] },
): Promise<readonly Answer[]> {
  const quarter = (n: number) => entries.filter((_, at) => at % 4 === n);
  return [
    ...(await askMany(filled, warm, quarter(0))),
    ...(await askMany(filled, cold, quarter(1))),
    ...(await askSingly(filled, warm, quarter(2))),
    ...(await askSingly(filled, cold, quarter(3))),
  ];
}

async function askMany(
  { orgId, results }: FilledCache,
  cache: MadResultCache,
  entries: readonly RecordedEntry[],
): Promise<readonly Answer[]> {
  const decisions = await cache.findMany(results, { orgId, questions: entries.map(({ cacheKey }) => ({ cacheKey })) });
  return entries.map((entry, n) => toAnswer(entry, decisions[n]));
}

async function askSingly(
  { orgId, results }: FilledCache,
  cache: MadResultCache,
  entries: readonly RecordedEntry[],
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let first = 0; first < entries.length; first += AT_ONCE) {
    const part = entries.slice(first, first + AT_ONCE);
    answers.push(
      ...(await Promise.all(
        part.map(async (entry) => toAnswer(entry, await cache.find(results, { orgId, cacheKey: entry.cacheKey }))),
      )),
    );
  }
  return answers;
}

function toAnswer(entry: RecordedEntry, decision: CacheDecision = { outcome: 'miss', reason: 'no_entry' }): Answer {
  if (decision.outcome === 'miss') return { decision, isRight: false };
  const answer = decision.result?.resultData ?? null;
  const isRight =
    decision.canonicalJobId === entry.jobId && isDeepStrictEqual(answer, entry.isWhole ? null : entry.resultData);
  return { decision, isRight };
}

async function countQuarantined({ results }: FilledCache): Promise<number> {
  const rows = await results
    .selectFrom('cache_events')
    .select('cache_key')
    .where('event', '=', 'QUARANTINED')
    .execute();
  return rows.length;
}

async function countAudited({ metadata, orgId }: FilledCache): Promise<number> {
  let audited = 0;
  let cursor: string | undefined;
  do {
    const page = await inOrganization(metadata, orgId, (tx) =>
      listAuditLogs(tx, { action: 'cache.quarantine', limit: 500, cursor }),
    );
    audited += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return audited;
}
