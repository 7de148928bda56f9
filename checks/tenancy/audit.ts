import { findSqlState, inAllOrganizations, inOrganization, SQLSTATE } from '@mad/core';
import { auditAnchor, verifyAudit } from '@mad/tenancy';
import { sql } from 'kysely';
import type { Check, CheckSize } from '../check.ts';
import { type AuditedDatabase, createAuditedDatabase, tamper } from './audit/audited-database.ts';
import { TAMPERING_WAYS, type TamperingWay } from './audit/tampering-ways.ts';

const ROWS: Readonly<Record<CheckSize, number>> = { full: 100_000, small: 600 };
/** How long an untouched trail of 100,000 rows may take. */
const MAX_SECONDS = 30;
const TABLES = ['audit_logs', 'audit_chains'];

/**
 * A trail whose database's superuser tampers with one row, in each way: verifying finds it, and names the row and the way. The application's roles are
 * refused UPDATE, DELETE and TRUNCATE of the rows and of the heads, through both doors.
 */
export const auditCheck: Check = {
  name: 'audit',
  async run(size, print) {
    const rows = ROWS[size];
    await using sound = await createAuditedDatabase(rows);
    const started = performance.now();
    const verified = await verifyAudit(sound.metadata, 'operator', { orgId: sound.orgId });
    const seconds = Math.round((performance.now() - started) / 10) / 100;
    const isSound = verified.tampering === null && verified.rows === rows;
    if (!isSound) print(`the untouched trail: ${JSON.stringify(verified)}`);
    const refused = await countRefused(sound);

    const missed: string[] = [];
    for (const [n, way] of TAMPERING_WAYS.entries()) {
      // Spread over the trail, so that pages and their edges are met.
      const seq = Math.floor((rows * (n + 1)) / (TAMPERING_WAYS.length + 1)) + n;
      const found = await findTampering(way, { rows, seq });
      if (found !== undefined) {
        missed.push(way.name);
        print(`${way.name} at ${seq}: ${found}`);
      }
    }
    const found = TAMPERING_WAYS.length - missed.length;
    const statements = TABLES.length * 3 * 2;
    return {
      passed: isSound && missed.length === 0 && refused === statements && seconds <= MAX_SECONDS,
      line:
        `audit ${found}/${TAMPERING_WAYS.length} ways of tampering with one of ${rows} rows found and named; ` +
        `${refused}/${statements} updates, deletes and truncates of the application refused; verified in ${seconds} s`,
      figures: { rows, found, missed, refused, statements, seconds },
    };
  },
};

/** Undefined where the row and the way were named, otherwise what was said. */
async function findTampering(
  way: TamperingWay,
  { rows, seq }: { readonly rows: number; readonly seq: number },
): Promise<string | undefined> {
  await using database = await createAuditedDatabase(rows);
  const { metadata, orgId } = database;
  const anchor = await auditAnchor(metadata, 'operator', { orgId });
  await tamper(database, way.statements({ orgId, seq }));
  const { tampering } = await verifyAudit(metadata, 'operator', { orgId, anchor });
  return tampering?.kind === way.kind && tampering.seq === seq ? undefined : JSON.stringify(tampering);
}

async function countRefused({ metadata, orgId }: AuditedDatabase): Promise<number> {
  const statements = TABLES.flatMap((table) => [
    `update ${table} set hash = 'x'`,
    `delete from ${table}`,
    `truncate ${table}`,
  ]);
  let refused = 0;
  for (const text of statements) {
    const statement = sql.raw(text);
    const answers = [
      await inOrganization(metadata, orgId, (tx) => statement.execute(tx)).catch(findSqlState),
      await inAllOrganizations(metadata, (tx) => statement.execute(tx)).catch(findSqlState),
    ];
    refused += answers.filter((answer) => answer === SQLSTATE.insufficientPrivilege).length;
  }
  return refused;
}
