import { parseArgs } from 'node:util';
import { formatGoals } from '../goal.ts';
import { NAMES } from './contenders/index.ts';
import type { BlockedFigures, DocumentFigures } from './document-process.ts';
import { judge } from './goals.ts';
import { formatBlocked, formatCalls, formatDocument } from './report.ts';
import { runCalls } from './run-calls.ts';
import { runInProcess } from './run-in-process.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '20000' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const print = (text: string): void => void process.stdout.write(`${text}\n`);
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const rounds = values.quick ? 1 : Number(values.rounds);
const contenders = values.only?.split(',').map((name) => name.trim()) ?? NAMES;
const calls = await runCalls({ contenders, rounds, calls: values.quick ? 4_000 : Number(values.calls), say });
const documents: DocumentFigures[] = [];
const blocked: BlockedFigures[] = [];
for (let round = 0; round < rounds; round++) {
  documents.push(await runInProcess('document-process.ts', { measure: 'document' }));
  blocked.push(await runInProcess('document-process.ts', { measure: 'blocked' }));
  say(`round ${round + 1}: documents read and compiled`);
}

const goals = judge({ calls, blocked });
if (values.json) print(JSON.stringify({ goals, calls: Object.fromEntries(calls), documents, blocked }, null, 2));
else {
  for (const table of [formatCalls(calls), formatDocument(documents), formatBlocked(blocked), formatGoals(goals)])
    print(`\n${table}`);
}
// What --only left out is no miss; a look with --quick decides nothing.
const missed = goals.filter(({ found, isMet }) => !isMet && !(values.only && Number.isNaN(found)));
if (missed.length > 0 && !values.quick) process.exitCode = 1;
