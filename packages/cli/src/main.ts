#!/usr/bin/env node
import { runMad } from './run-mad.ts';

process.exitCode = await runMad(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  outIsTerminal: process.stdout.isTTY,
  errIsTerminal: process.stderr.isTTY,
});
