import { findByPointer, type JsonObject, TaskFailedError, ValidationFailedError } from '@mad/core';
import type { SecretsResolver } from '../client/exchange/authenticate.ts';
import { below } from '../client/exchange/service-call.ts';
import { CredentialMissingError, ServiceUnreachableError } from '../errors.ts';
import type { ConformanceReport, RuleOutcome, Verdict } from './conformance-report.ts';
import { rules } from './conformance-rules.ts';
import { describeFailure } from './describe-answer.ts';
import { findDocumentUrl } from './find-document.ts';
import type { Inspection } from './inspection.ts';
import { type Rule, skipped } from './rule.ts';
import { ServiceUnderTest } from './service-under-test.ts';

export interface CheckService {
  /** The service's own address, below which the paths of its document are. */
  readonly serviceUrl: string;
  /** OpenAPI as an object, as JSON or YAML text, or as the URL where it is. @default looked for at the service */
  readonly document?: string | object | undefined;
  /** A request that is known to succeed. @default an example of the document, else made of its schema */
  readonly request?: JsonObject | undefined;
  /** False leaves out all that would make the service work: documents, health and refusals are checked. @default true */
  readonly execute?: boolean | undefined;
  /** How often the valid request is sent one after another. @default 3 */
  readonly repetitions?: number | undefined;
  /** Of one execution; anything else has ten seconds at most. @default 30_000 */
  readonly timeoutMs?: number | undefined;
  /** Of the whole run; what was not checked by then is skipped. @default ten times `timeoutMs`, one minute at least */
  readonly totalTimeoutMs?: number | undefined;
  /** @default '/health' */
  readonly healthPath?: string | undefined;
  /** Addresses beside the public ones that the name in `serviceUrl` may lead to: `['10.0.0.0/8']`. @default none */
  readonly allowedNetworks?: readonly string[] | undefined;
  /** @default none: a task that asks for credentials is not called */
  readonly secrets?: SecretsResolver | undefined;
  /** Told of each rule when it has been checked. */
  readonly onRule?: ((outcome: RuleOutcome) => void) | undefined;
}

const MAX_SEEN = 500;

/**
 * Finds out whether mad can use a running service, and what there is to mend: every rule of `conformanceRules` is checked, and what a service does
 * wrong is part of the report, never thrown. The task is called with a valid request nine times at most, beside requests that cannot be answered.
 * @throws {ServiceUnreachableError} when nobody answers at the address.
 * @throws {ValidationFailedError} when `serviceUrl` is no address of a service.
 * @throws {AddressNotAllowedError} when its name leads into a network that is not allowed.
 * @throws {SecretsUnreachableError} when `secrets` throws.
 */
export async function checkService(options: CheckService): Promise<ConformanceReport> {
  const { timeoutMs = 30_000, onRule = () => {} } = options;
  const totalTimeoutMs = options.totalTimeoutMs ?? Math.max(10 * timeoutMs, 60_000);
  const serviceUrl = parseServiceUrl(options.serviceUrl);
  const documentUrl = findDocumentUrl(options.document);
  await using service = new ServiceUnderTest({
    serviceUrl,
    otherOrigins: documentUrl ? [documentUrl.origin] : [],
    allowedNetworks: options.allowedNetworks,
    secrets: options.secrets,
    timeoutMs,
    signal: AbortSignal.timeout(totalTimeoutMs),
  });
  const inspection: Inspection = {
    service,
    givenDocument: options.document,
    givenRequest: options.request,
    execute: options.execute ?? true,
    repetitions: options.repetitions ?? 3,
    healthPath: options.healthPath ?? '/health',
    responses: [],
    refusals: [],
  };
  await reach(inspection);
  const outcomes: RuleOutcome[] = [];
  for (const rule of rules) {
    const { id, level, holds, mend } = rule;
    const outcome: RuleOutcome = { id, level, holds, mend, ...toLine(await checkRule(rule, inspection)) };
    outcomes.push(outcome);
    onRule(outcome);
  }
  return {
    serviceUrl: serviceUrl.href,
    task: describeTask(inspection),
    rules: outcomes,
    passed: !outcomes.some(({ level, outcome }) => level === 'must' && outcome === 'failed'),
  };
}

function parseServiceUrl(text: string): URL {
  const url = URL.parse(text);
  const isAddress = url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (isAddress && url.search === '' && url.hash === '') return url;
  throw new ValidationFailedError({
    subject: 'serviceUrl',
    issues: [
      { pointer: '', message: 'expected an address such as http://127.0.0.1:8080/dock, without user and query' },
    ],
  });
}

/** Whatever else is wrong with an answer is a matter of the rules. @throws {ServiceUnreachableError} */
async function reach({ service, healthPath }: Inspection): Promise<void> {
  try {
    await service.ask({ method: 'GET', url: below(service.url, healthPath) });
  } catch (error) {
    if (!(error instanceof TaskFailedError)) throw error;
    const { fault } = error.details;
    if (error.failureCode === 'SERVICE_UNAVAILABLE' && typeof fault === 'string')
      throw new ServiceUnreachableError({ serviceUrl: service.url.href, fault, cause: error });
  }
}

async function checkRule(rule: Rule, inspection: Inspection): Promise<Verdict> {
  const { signal } = inspection.service;
  const late = skipped('the time of the whole run was over; give it more');
  if (signal.aborted) return late;
  try {
    const verdict = await rule.check(inspection);
    return signal.aborted && verdict.outcome !== 'passed' ? late : verdict;
  } catch (error) {
    if (signal.aborted) return late;
    if (error instanceof CredentialMissingError) return skipped(error.message);
    if (error instanceof TaskFailedError) return { outcome: 'failed', seen: describeFailure(error) };
    throw error;
  }
}

/** Text of the service in it may reach a terminal. */
function toLine(verdict: Verdict): Verdict {
  const line = (text: string): string => text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_SEEN);
  return verdict.outcome === 'skipped'
    ? { ...verdict, reason: line(verdict.reason) }
    : { ...verdict, seen: line(verdict.seen) };
}

function describeTask({ document, task }: Inspection): ConformanceReport['task'] {
  if (!task) return undefined;
  const { method, path } = task.interface.execute.operation;
  const text = (pointer: string): string | undefined => {
    const value = findByPointer(document, pointer);
    return typeof value === 'string' ? value.replaceAll(/\p{C}+/gu, ' ').slice(0, 100) : undefined;
  };
  return { taskKey: text('/info/x-mad/taskKey'), version: text('/info/version'), operation: `${method} ${path}` };
}
