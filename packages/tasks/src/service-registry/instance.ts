import type { HealthStatus, TaskServiceStateRow } from '@mad/core';
import { RetryBudget } from '../client/exchange/with-retries.ts';
import { type CallVerdict, Circuit, type CircuitCall, type CircuitLimits } from './circuit.ts';
import { effectiveHealth, type InstanceReport, readInstanceReport } from './instance-report.ts';

/** A call that ended longer ago cannot be in a report that is still to come. */
const REPORT_DELAY_MS = 5_000;
/** A report of a load that is older says nothing any more. */
const LOAD_COUNTS_MS = 30_000;

interface OpenCall {
  readonly from: number;
  to: number | undefined;
}

/** A call that is counted at its instance; ended once. */
export interface InstanceCall {
  readonly pass: CircuitCall['pass'];
  readonly end: (verdict: CallVerdict, at: number) => void;
}

/**
 * A running instance as one runner knows it: what its row tells, what this runner has found itself, and the calls it has open there. Times are
 * milliseconds of the runner's own clock.
 */
export class Instance {
  readonly serviceId: string;
  /** Of retries, shared by all calls of this runner. */
  readonly budget = new RetryBudget();
  /** A question for its health, or for its document, that is under way. */
  asking: Promise<unknown> | undefined;
  guarding: Promise<unknown> | undefined;
  guardedAt: number | undefined;
  /** The document that was told of last. */
  knownDocument: string | undefined;
  readonly #limits: CircuitLimits | undefined;
  #circuit: Circuit;
  #row: TaskServiceStateRow;
  #report: InstanceReport;
  #toldAt: number;
  #found: { readonly isHealthy: boolean; readonly at: number } | undefined;
  readonly #calls = new Set<OpenCall>();
  #open = 0;
  /** Calls of others at the time of the last report of its load. */
  #others = 0;

  #loadStamp: number | undefined;
  #writing = 0;
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(
    row: TaskServiceStateRow,
    { now, circuit }: { readonly now: number; readonly circuit?: CircuitLimits | undefined },
  ) {
    this.serviceId = row.service_id;
    this.#limits = circuit;
    this.#circuit = new Circuit(circuit);
    this.#row = row;
    this.#report = readInstanceReport(row);
    this.#toldAt = now;
    this.tell(row, now);
  }

  get serviceUrl(): string {
    return this.#row.service_url;
  }

  get circuit(): Circuit {
    return this.#circuit;
  }

  get quarantine(): InstanceReport['quarantine'] {
    return this.#report.quarantine;
  }

  get acceptedDocument(): string | undefined {
    return this.#report.acceptedDocument;
  }

  get capacity(): number | undefined {
    return this.#report.capacity;
  }

  /** True where nothing but its health and its load decides on new calls. */
  get isOffered(): boolean {
    return !this.#report.draining && !this.#report.quarantine;
  }

  /** Calls that it works on or keeps waiting, as far as is known. */
  get load(): number {
    return this.#open + this.#others;
  }

  /** Calls of this runner. */
  get openCalls(): number {
    return this.#open;
  }

  get hasRoom(): boolean {
    return this.capacity === undefined || this.load < this.capacity;
  }

  /** Takes over what its row says now. */
  tell(row: TaskServiceStateRow, now: number): void {
    const report = readInstanceReport(row);
    const loadAt = report.loadMsAgo === undefined ? undefined : now - report.loadMsAgo;
    if (row.started_at?.getTime() !== this.#row.started_at?.getTime()) {
      // Registered anew it is another program at the same address.
      this.guardedAt = undefined;
      this.#circuit = new Circuit(this.#limits);
    }
    this.#row = row;
    this.#report = report;
    this.#toldAt = now;
    if (loadAt === undefined || now - loadAt > LOAD_COUNTS_MS) this.#others = 0;
    else if (report.loadStamp !== this.#loadStamp) {
      const own = [...this.#calls].filter((call) => isOpenAt(call, loadAt)).length;
      this.#others = Math.max(0, report.running + report.waiting - own);
    }
    this.#loadStamp = report.loadStamp;
    for (const call of this.#calls)
      if (call.to !== undefined && call.to < now - REPORT_DELAY_MS) this.#calls.delete(call);
  }

  /** What this runner has found itself. One that is well again may be another program: its document is looked at before it is called. */
  find(isHealthy: boolean, now: number): void {
    if (isHealthy && (this.#found?.isHealthy === false || this.#report.health === 'unhealthy'))
      this.guardedAt = undefined;
    this.#found = { isHealthy, at: now };
  }

  wasFoundSince(at: number): boolean {
    return this.#found !== undefined && this.#found.at >= at;
  }

  /**
   * Its health for this runner. One that this runner did not reach is `unknown` when the interval is over or it has told of itself since: it must be
   * asked before it is called.
   */
  healthAt(now: number, { intervalMs }: { readonly intervalMs: number }): HealthStatus {
    if (this.quarantine) return 'unhealthy';
    const told = this.#report.checkedMsAgo;
    const report = { ...this.#report, checkedMsAgo: told === undefined ? undefined : told + now - this.#toldAt };
    const row = effectiveHealth(report, { intervalMs });
    const found = this.#found;
    const foundMsAgo = found ? now - found.at : Number.POSITIVE_INFINITY;
    if (!found || foundMsAgo >= intervalMs) return found?.isHealthy === false && row === 'healthy' ? 'unknown' : row;
    const hasToldSince = report.checkedMsAgo !== undefined && report.checkedMsAgo < foundMsAgo;
    if (!hasToldSince) return found.isHealthy ? 'healthy' : 'unhealthy';
    return !found.isHealthy && row === 'healthy' ? 'unknown' : row;
  }

  /** True where its row does not say the same already, or said it too long ago. */
  isNews(health: 'healthy' | 'unhealthy', { now, intervalMs }: { now: number; intervalMs: number }): boolean {
    const { health: told, checkedMsAgo } = this.#report;
    return told !== health || checkedMsAgo === undefined || checkedMsAgo + now - this.#toldAt >= intervalMs;
  }

  /** What its row says now that this runner has written it. */
  noteWritten(changed: Partial<Pick<InstanceReport, 'health' | 'quarantine'>>, now: number): void {
    this.#report = { ...this.#report, ...changed, checkedMsAgo: 0 };
    this.#toldAt = now;
  }

  /** This runner writes its row; what is returned is told when it has. */
  beginWrite(): (now: number) => void {
    this.#writing++;
    return (now) => {
      this.#writing--;
      this.#writtenAt = now;
    };
  }

  /** True where a row that was asked for at a moment cannot hold what this runner wrote. */
  wasWrittenSince(at: number): boolean {
    return this.#writing > 0 || this.#writtenAt >= at;
  }

  /** A call of this runner begins. */
  begin(now: number): InstanceCall {
    const call: OpenCall = { from: now, to: undefined };
    this.#calls.add(call);
    this.#open++;
    const { pass, end } = this.circuit.begin();
    return {
      pass,
      end: (verdict, at) => {
        call.to = at;
        this.#open--;
        if (this.#report.loadMsAgo === undefined) this.#calls.delete(call);
        end(verdict);
      },
    };
  }
}

const isOpenAt = ({ from, to }: OpenCall, at: number): boolean => from <= at && (to === undefined || to > at);
