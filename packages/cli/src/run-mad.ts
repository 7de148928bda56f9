import { isMadError, type JsonObject } from '@mad/core';
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAuditCommand } from './audit/audit-command.ts';
import { addCacheCommand } from './cache/cache-command.ts';
import { hidePasswords } from './database/database-url.ts';
import { addDoctorCommand } from './doctor/doctor-command.ts';
import { CommandUsageError } from './errors.ts';
import { addMigrateCommand } from './migrate/migrate-command.ts';
import { addOrgCommand } from './org/org-command.ts';
import { addServiceCommand } from './service/service-command.ts';
import type { Terminal } from './terminal.ts';
import { addTokenCommand } from './token/token-command.ts';
import { addUserCommand } from './user/user-command.ts';

const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

/**
 * Runs `mad` with these arguments and resolves to its exit code: 0 done, 1 failed, 2 called in a wrong way. Never throws: whatever goes wrong
 * becomes one line on `terminal.err`, with `--json` one of JSON, and no line ever holds a password.
 */
export async function runMad(args: readonly string[], terminal: Terminal): Promise<number> {
  const isJson = wantsJson(args);
  let misuse = '';
  const program = new Command('mad')
    .description('every operation of mad by hand')
    .version(manifest.version)
    .exitOverride()
    .configureOutput({
      writeOut: terminal.out,
      writeErr: isJson ? () => {} : terminal.err,
      outputError: (text, write) => {
        misuse = toLine(describeMisuse(text));
        write(`mad: ${misuse}\n`);
      },
    });
  addMigrateCommand(program, terminal);
  addDoctorCommand(program, terminal);
  addServiceCommand(program, terminal);
  addCacheCommand(program, terminal);
  addOrgCommand(program, terminal);
  addUserCommand(program, terminal);
  addTokenCommand(program, terminal);
  addAuditCommand(program, terminal);
  try {
    await program.parseAsync(args, { from: 'user' });
    return DONE;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return DONE;
      const message = misuse || 'a command is missing; --help lists them';
      if (isJson) terminal.err(toErrorJson({ code: CommandUsageError.code, message, details: {} }));
      return MISUSED;
    }
    const message = toLine(describe(error));
    const { code, details } = isMadError(error) ? error : { code: null, details: {} };
    terminal.err(isJson ? toErrorJson({ code, message, details }) : `mad: ${message}\n`);
    return error instanceof CommandUsageError ? MISUSED : FAILED;
  }
}

/** Also where the arguments cannot be parsed. */
function wantsJson(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  return (end < 0 ? args : args.slice(0, end)).includes('--json');
}

/** Details as docs/reference/errors.md names them. */
function toErrorJson(error: {
  readonly code: string | null;
  readonly message: string;
  readonly details: JsonObject;
}): string {
  const hide = (_: string, value: unknown): unknown => (typeof value === 'string' ? hidePasswords(value) : value);
  return `${JSON.stringify({ error }, hide)}\n`;
}

function describe(error: unknown): string {
  if (isMadError(error)) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** The parser's own words, without arguments that may be a part of a URL: the shell parts one at its spaces. */
function describeMisuse(text: string): string {
  const message = text.replace(/^error: /, '').trim();
  if (message.startsWith("too many arguments for 'check'")) return message.replace(/:[\s\S]*$/, '');
  if (message.startsWith('too many arguments')) return `${message.replace(/:[\s\S]*$/, '')}; a URL goes into --url`;
  if (/^unknown command '[\s\S]*[:@]/.test(message))
    return 'a URL is no command; that of a service goes behind service check, that of a database into --url';
  // Without a scheme nothing tells a user from a password.
  return message.includes('://') ? message : message.replace(/'[\s\S]*@/, "'***@");
}

function toLine(text: string): string {
  return hidePasswords(text)
    .trim()
    .replaceAll(/\s*\n\s*/g, ' ');
}
