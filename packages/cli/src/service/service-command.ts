import { ValidationFailedError } from '@mad/core';
import { type CheckService, type ConformanceReport, checkService, ServiceUnreachableError } from '@mad/tasks';
import type { Command } from 'commander';
import { CommandUsageError, ServiceUnfitError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { formatConformance, toConformanceJson } from './conformance-text.ts';
import { createSecrets } from './create-secrets.ts';
import { parseTimeout } from './parse-timeout.ts';
import { readDocument } from './read-document.ts';
import { readRequest } from './read-request.ts';
import { showRules } from './show-rules.ts';

interface Flags {
  readonly document?: string;
  readonly request?: string;
  readonly health?: string;
  readonly execute: boolean;
  readonly timeout?: string;
  readonly json?: true;
}

/** Whoever types an address wants it called, wherever it is. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/** Adds `mad service check`. */
export function addServiceCommand(program: Command, terminal: Terminal): void {
  program
    .command('service')
    .description('look at task services')
    .command('check')
    .description('find out whether mad can use a running service, and what to mend; exit code 1 while a must fails')
    .argument('<url>', "the service's own address, such as http://127.0.0.1:8080/dock")
    .option('--document <file|url>', 'its OpenAPI document (default: looked for at the service)')
    .option('--request <file>', 'JSON of a request that succeeds (default: made of the document)')
    .option('--health <path>', 'where it answers for its health (default: /health)')
    .option('--no-execute', 'leave out all that would make it work')
    .option('--timeout <seconds>', 'for one execution; the whole run takes ten times that at most (default: 30)')
    .option('--json', 'print one JSON object')
    .action((url: string, flags: Flags) => runCheck(terminal, url, flags));
}

async function runCheck(terminal: Terminal, url: string, flags: Flags): Promise<void> {
  const options: CheckService = {
    serviceUrl: url,
    document: flags.document === undefined ? undefined : await readDocument(flags.document),
    request: flags.request === undefined ? undefined : await readRequest(flags.request),
    healthPath: flags.health,
    execute: flags.execute,
    timeoutMs: flags.timeout === undefined ? undefined : parseTimeout(flags.timeout),
    allowedNetworks: EVERYWHERE,
    secrets: createSecrets(terminal.env),
  };
  const report = await check(terminal, options);
  const isColored = terminal.outIsTerminal === true && !terminal.env.NO_COLOR;
  terminal.out(flags.json ? toConformanceJson(report) : formatConformance(report, { isColored }));
  const unmet = report.rules.filter(({ level, outcome }) => level === 'must' && outcome === 'failed').length;
  if (unmet > 0) throw new ServiceUnfitError({ unmet });
}

/** @throws {CommandUsageError} where there is no service at the address. */
async function check(terminal: Terminal, options: CheckService): Promise<ConformanceReport> {
  using shown = showRules(terminal);
  try {
    return await checkService({ ...options, onRule: shown.next });
  } catch (error) {
    if (error instanceof ServiceUnreachableError) {
      const got = `${options.serviceUrl}, where nobody answers (${String(error.details.fault)}); start it, or correct the address`;
      throw new CommandUsageError({ option: 'URL', expected: 'the address of a running service', got });
    }
    if (!(error instanceof ValidationFailedError)) throw error;
    throw new CommandUsageError({
      option: 'URL',
      expected: 'the address of a service, of http or https, host and path, without user and query',
      got: JSON.stringify(options.serviceUrl),
    });
  }
}
