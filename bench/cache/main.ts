import { parseArgs } from 'node:util';
import { measureDisk } from '../durable/disk.ts';
import { formatGoals } from '../goal.ts';
import type { CacheContest } from './contest.ts';
import { CONTESTS } from './contests.ts';
import { formatRows } from './report.ts';

const { values } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false } },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

if (measureDisk().isMemory)
  throw new Error('temporary files are kept in memory here: set TMPDIR to a folder on a disk');
const names = values.only?.split(',').map((name) => name.trim()) ?? Object.keys(CONTESTS);
const found: Record<string, CacheContest> = {};
for (const name of names) {
  const load = CONTESTS[name];
  if (!load) throw new Error(`there is no contest ${name}: expected one of ${Object.keys(CONTESTS).join(', ')}`);
  const contest = await load();
  found[name] = await contest(say);
}
const goals = Object.values(found).flatMap((contest) => contest.goals);
if (values.json) print(JSON.stringify({ goals, contests: found }, null, 2));
else {
  for (const contest of Object.values(found)) print(`\n${formatRows(contest)}`);
  print(`\n${formatGoals(goals)}`);
}
if (goals.some(({ isMet }) => !isMet)) process.exitCode = 1;
