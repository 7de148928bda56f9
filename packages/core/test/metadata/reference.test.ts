import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('every constraint that the migrations add is explained in the reference, and no other', () => {
  const folder = '../../src/metadata/migrations/';
  const source = readdirSync(new URL(folder, import.meta.url))
    .map((file) => read(folder + file))
    .join('\n');
  const added = source.matchAll(/(?:refuse\(\s*|CONSTRAINT |UNIQUE INDEX )'?(?<name>[a-z]+_[a-z_]+)/g);
  const explained =
    read('../../../../docs/reference/metadata-database.md')
      .split('## What is refused')[1]
      ?.matchAll(/^\|\s*(?<cell>`[^|]*`)\s*\|/gm) ?? [];
  const names = (found: Iterable<RegExpMatchArray>): string[] =>
    [...new Set([...found].map((match) => match.groups?.name ?? ''))].sort();
  expect(names([...explained].flatMap((match) => [...(match.groups?.cell ?? '').matchAll(/`(?<name>\w+)`/g)]))).toEqual(
    names(added),
  );
});
