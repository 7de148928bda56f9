import { findClockIssues, isEmailAddress, isJsonObject, isUuid, type JsonObject } from '@mad/core';
import { covers, isGrantable } from '../access/permission-sets.ts';
import { SEEDED_ROLES } from '../access/seeded-roles.ts';
import { ArchiveRefusedError } from '../errors.ts';
import { isReservedId } from '../organization/reserved-id.ts';
import type { ArchivePart } from './archive-manifest.ts';
import { AUDIT_LOGS, MEMBERS } from './metadata-parts.ts';
import { parseJson } from './parse-json.ts';

/** The people in an archive, read from its first part. */
export interface ArchivedMember {
  readonly user_id: string;
  readonly email: string;
  readonly enabled: boolean;
}

/**
 * Checks what a database would take and this library never wrote: what nobody in an organization may hold, marks of the system, clocks and times that are none,
 * numbers nobody counts to. Returns whose file the line names, if it names one. `at` names the line.
 * @throws {ArchiveRefusedError}
 */
export function checkLine({ table }: ArchivePart, { at, line }: ArchiveLine): string | undefined {
  if (table === AUDIT_LOGS) return undefined;
  if (table === MEMBERS) return void parseMember({ at, line });
  // The steps of a template are one line.
  const parsed = table === 'pipeline_task_steps' ? parseJson(at, line) : parseRow({ at, line });
  const rule = Object.hasOwn(RULES, table) ? RULES[table] : undefined;
  let owner: string | undefined;
  for (const row of Array.isArray(parsed) ? parsed : [parsed]) {
    const reason = isJsonObject(row) ? (rule?.(row) ?? findBadColumn(row)) : 'it is no row';
    if (reason !== undefined) throw new ArchiveRefusedError({ at, reason });
    const [, orgId] = /^mad:\/\/org\/([^/]*)/.exec(String(row.uri ?? row.logs_uri)) ?? [];
    owner ??= orgId;
  }
  return owner;
}

/** One line, and how it is named. */
export interface ArchiveLine {
  readonly at: string;
  readonly line: string;
}

/** @throws {ArchiveRefusedError} */
export function parseMember({ at, line }: ArchiveLine): ArchivedMember {
  const { user_id, email, enabled, ...more } = parseRow({ at, line });
  const isMember = isUuid(user_id) && !isReservedId(user_id) && isEmailAddress(email) && typeof enabled === 'boolean';
  if (!isMember || Object.keys(more).length > 0)
    throw new ArchiveRefusedError({ at, reason: 'it is no member: expected user_id, email, enabled' });
  return { user_id, email, enabled };
}

/** @throws {ArchiveRefusedError} */
export function parseRow({ at, line }: ArchiveLine): JsonObject {
  const row = parseJson(at, line);
  // Rows are put into one array for the database: a line is one value there only if it is one here.
  if (!line.startsWith('{') || !isJsonObject(row)) throw new ArchiveRefusedError({ at, reason: 'it is no row' });
  return row;
}

type Rule = (row: JsonObject) => string | undefined;

const HOLDABLE: ReadonlySet<string> = new Set(SEEDED_ROLES.admin);
const notOfTheSystem: Rule = ({ is_system }) =>
  is_system === false ? undefined : 'it calls itself one of the system, which no organization makes';

const RULES: Readonly<Record<string, Rule>> = {
  role_permissions: ({ permission }) =>
    typeof permission === 'string' && isGrantable(permission) && covers(HOLDABLE, permission)
      ? undefined
      : 'its permission is none that a role of an organization can hold',
  roles: ({ name }) => (typeof name === 'string' && name.length <= 100 ? undefined : 'its name is longer than 100'),
  task_definitions: notOfTheSystem,
  pipeline_templates: notOfTheSystem,
  job_schedules({ cron, timezone }) {
    if (typeof cron !== 'string' || typeof timezone !== 'string') return 'it has no clock';
    const [issue] = findClockIssues({ cron, timezone }, new Date());
    return issue && `${issue.pointer.slice(1)}: ${issue.message}`;
  },
};

/** Every uuid of both databases, and some ids that are texts. */
const ID = /_id$|_by$|^(actor|forked_from)$/;
const TIME = /_at$|^(ts|deadline|run_after|last_health_check)$/;
/** As PostgreSQL writes a time in JSON. */
const TIME_FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d(:\d\d)?$/;
const COUNT = /_(ms|bytes|no|seq|line|count|order)$|^(fence|jobs|bytes|priority|retries|pose_rank|event_id|part)$/;
const MOST = 1e15;

/** What is null or missing is the database's to judge. */
function findBadColumn(row: JsonObject): string | undefined {
  for (const [column, value] of Object.entries(row)) {
    if (value === null || value === undefined) continue;
    if (TIME.test(column) && !(typeof value === 'string' && TIME_FORM.test(value))) return `its ${column} is no time`;
    if (ID.test(column) && isReservedId(value)) return `its ${column} is an id that nothing has`;
    if (COUNT.test(column) && !(typeof value === 'number' && Math.abs(value) <= MOST))
      return `its ${column} is no number up to ${MOST}`;
  }
  return undefined;
}
