#!/usr/bin/env node
import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { runMad } from './run-mad.ts';

process.exitCode = await runMad(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
  ask: process.stdin.isTTY ? ask : undefined,
  askSecret: process.stdin.isTTY ? askSecret : undefined,
  readInput: () => text(process.stdin),
});

async function ask(question: string): Promise<string> {
  const person = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await person.question(question);
  } finally {
    person.close();
  }
}

async function askSecret(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const person = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  // In raw mode Ctrl-C is a key like any other.
  person.once('SIGINT', () => process.exit(128 + constants.signals.SIGINT));
  try {
    return await person.question('');
  } finally {
    person.close();
    process.stderr.write('\n');
  }
}
