import { randomBytes } from 'node:crypto';
import { type Kysely, sql } from 'kysely';
import { expect, test } from 'vitest';
import { createPgliteDatabase } from '../src/index.ts';

test('a template is filled once, and each database is a copy of its own; without one it is empty', async () => {
  let fills = 0;
  const template = {
    name: `words_${randomBytes(6).toString('hex')}`,
    async fill(db: Kysely<unknown>) {
      fills++;
      await sql`create extension citext`.execute(db);
      await sql`create table words (word citext primary key)`.execute(db);
      await sql`insert into words values ('one')`.execute(db);
    },
  };
  const list = async (db: Kysely<unknown>) => (await sql`select word from words order by 1`.execute(db)).rows;
  await using first = createPgliteDatabase(template);
  await sql`insert into words values ('two')`.execute(first.db);
  await using second = createPgliteDatabase(template);
  expect(await list(second.db)).toEqual([{ word: 'one' }]);
  expect(await list(first.db)).toEqual([{ word: 'one' }, { word: 'two' }]);
  expect(fills).toBe(1);
  await using empty = createPgliteDatabase();
  await expect(list(empty.db)).rejects.toThrow(/relation "words" does not exist/);
});
