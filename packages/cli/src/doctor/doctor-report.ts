import type { Finding, Reconciled } from '@mad/core';
import { formatTable } from '../format-table.ts';
import type { LeftFinding } from './look-for-left.ts';
import type { OrphanFinding } from './look-for-orphans.ts';

/** All that one run of `mad doctor` has to tell. */
export interface DoctorReport extends Reconciled {
  readonly dryRun: boolean;
  readonly findings: readonly (Finding | LeftFinding)[];
  readonly orphans: readonly OrphanFinding[];
}

/** A table with one row a finding, one with a row an orphan, and a line that counts, for people. */
export function formatDoctorReport({ organizations, jobs, findings, orphans }: DoctorReport): string {
  const total = findings.length + orphans.length;
  const fixed = findings.filter(({ outcome }) => outcome === 'fixed').length;
  const end = total === 0 ? 'nothing found' : `${count(total, 'finding')}, ${fixed} fixed`;
  const looked = `looked at ${count(jobs, 'job')} of ${count(organizations, 'organization')}`;
  return `${formatFindings(findings)}${formatOrphans(orphans)}${looked}, ${end}\n`;
}

function formatFindings(findings: DoctorReport['findings']): string {
  if (findings.length === 0) return '';
  const head = ['organization', 'job', 'finding', 'state', 'found', 'remedy'];
  const rows = findings.map((finding) => [
    finding.orgId,
    finding.jobId ?? '-',
    finding.kind,
    finding.outcome,
    finding.found,
    finding.remedy,
  ]);
  return formatTable([head, ...rows]);
}

function formatOrphans(orphans: readonly OrphanFinding[]): string {
  if (orphans.length === 0) return '';
  const head = ['cluster', 'database or schema', 'organization', 'finding', 'found', 'remedy'];
  const rows = orphans.map(({ cluster, name, orgId, kind, found, remedy }) => [
    ...[cluster, name ?? '-', orgId ?? '-', kind, found, remedy],
  ]);
  return formatTable([head, ...rows]);
}

/** The report as one JSON object, for machines. */
export function toDoctorJson({ dryRun, organizations, jobs, findings, orphans }: DoctorReport): string {
  const rows = findings.map(({ orgId, jobId, ...finding }) => ({ org_id: orgId, job_id: jobId, ...finding }));
  const left = orphans.map(({ orgId, ...orphan }) => ({ org_id: orgId, ...orphan }));
  return `${JSON.stringify({ dry_run: dryRun, organizations, jobs, findings: rows, orphans: left }, undefined, 2)}\n`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
