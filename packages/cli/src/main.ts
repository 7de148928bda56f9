#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { runMad } from './run-mad.ts';

process.exitCode = await runMad(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  ask: process.stdin.isTTY ? ask : undefined,
});

async function ask(question: string): Promise<string> {
  const person = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await person.question(question);
  } finally {
    person.close();
  }
}
