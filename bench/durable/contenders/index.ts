import { createPgBossQueue } from '@mad/core/pg-boss';
import type { Contender } from '../contender.ts';
import { bullmq } from './bullmq.ts';
import { dbos } from './dbos.ts';
import { createFloor } from './floor.ts';
import { graphileWorker } from './graphile-worker.ts';
import { createMad } from './mad.ts';
import { pgBoss, pgBossFlow } from './pg-boss.ts';

/** The floor, mad, and those it is held against. */
export const contenders: readonly Contender[] = [
  createFloor({ name: 'floor' }),
  createMad({ name: 'mad' }),
  dbos,
  pgBoss,
  pgBossFlow,
  graphileWorker,
  bullmq,
];

/** mad in other surroundings. */
export const variants: readonly Contender[] = [
  createMad({ name: 'mad with 1000 followers', followers: 1_000 }),
  createMad({
    name: 'mad on pg-boss',
    openQueue: ({ url }, metadata) => createPgBossQueue({ boss: { connectionString: url }, metadata }),
  }),
  createMad({ name: 'mad on PGlite', store: 'pglite' }),
];

/** Floors that tell where the floor's speed comes from; run only where they are named. */
export const floors: readonly Contender[] = [
  createFloor({ name: 'floor 200 at a time', atATime: 200 }),
  createFloor({ name: 'floor one lane', lanes: 1 }),
  createFloor({ name: 'floor autocommit', lanes: 50, batch: 1 }),
];

/** @throws for a name that is none */
export function findContender(name: string): Contender {
  const all = [...contenders, ...variants, ...floors];
  const found = all.find((contender) => contender.name === name);
  if (!found)
    throw new Error(
      `there is no contender ${name}: expected one of ${all.map((contender) => contender.name).join('; ')}`,
    );
  return found;
}
