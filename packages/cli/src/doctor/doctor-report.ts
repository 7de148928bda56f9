import type { Finding, Reconciled } from '@mad/core';
import { formatTable } from '../format-table.ts';

/** All that one run of `mad doctor` has to tell. */
export interface DoctorReport extends Reconciled {
  readonly dryRun: boolean;
  readonly findings: readonly Finding[];
}

/** A table with one row a finding and a line that counts, for people. */
export function formatDoctorReport({ organizations, jobs, findings }: DoctorReport): string {
  const head = ['organization', 'job', 'finding', 'state', 'found', 'remedy'];
  const rows = findings.map((finding) => [
    finding.orgId,
    finding.jobId ?? '-',
    finding.kind,
    finding.outcome,
    finding.found,
    finding.remedy,
  ]);
  const looked = `looked at ${count(jobs, 'job')} of ${count(organizations, 'organization')}`;
  if (rows.length === 0) return `${looked}, nothing found\n`;
  const fixed = findings.filter(({ outcome }) => outcome === 'fixed').length;
  return `${formatTable([head, ...rows])}${looked}, ${count(rows.length, 'finding')}, ${fixed} fixed\n`;
}

/** The report as one JSON object, for machines. */
export function toDoctorJson({ dryRun, organizations, jobs, findings }: DoctorReport): string {
  const rows = findings.map(({ orgId, jobId, ...finding }) => ({ org_id: orgId, job_id: jobId, ...finding }));
  return `${JSON.stringify({ dry_run: dryRun, organizations, jobs, findings: rows }, undefined, 2)}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
