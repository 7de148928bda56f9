import { sql } from 'kysely';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { newId, type OrgId, rowId, SYSTEM_ORG_ID } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { containsText } from './contains-text.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import { type Owner, ownedBy } from './owner.ts';
import { requireSemver } from './require-semver.ts';
import type { NewPipelineTaskStepRow, PipelineTaskStepRow } from './tables/pipeline-task-step.table.ts';
import type {
  NewPipelineTemplateRow,
  PipelineTemplateRow,
  PipelineTemplateRowUpdate,
} from './tables/pipeline-template.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'pipeline template';
const hint = 'its definition never changes: publish a higher version';

interface ById {
  readonly templateId: string;
}

/** A template of the organization, of the system, or a public one. */
export function findPipelineTemplate(
  tx: MetadataTransaction,
  { templateId }: ById,
): Promise<PipelineTemplateRow | undefined> {
  return tx
    .selectFrom('pipeline_templates')
    .selectAll()
    .where('template_id', '=', rowId(templateId))
    .executeTakeFirst();
}

/** As `findPipelineTemplate`, for a row that must be there. @throws {NotFoundError} */
export async function getPipelineTemplate(tx: MetadataTransaction, { templateId }: ById): Promise<PipelineTemplateRow> {
  return found(await findPipelineTemplate(tx, { templateId }), { entity, id: templateId });
}

/** The organization's own template of this name and version. */
export function findPipelineTemplateByText(
  tx: OrganizationTransaction,
  { name, version }: { readonly name: string; readonly version: string },
): Promise<PipelineTemplateRow | undefined> {
  return tx
    .selectFrom('pipeline_templates')
    .selectAll()
    .where('org_id', '=', organizationOf(tx))
    .where('name', '=', name)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** The versions of the template that this organization has under this name, as far as they are visible. */
export function listPipelineTemplateVersions(
  tx: OrganizationTransaction,
  { name, orgId }: { readonly name: string; readonly orgId: OrgId },
): Promise<Pick<PipelineTemplateRow, 'template_id' | 'version'>[]> {
  return tx
    .selectFrom('pipeline_templates')
    .select(['template_id', 'version'])
    .where('org_id', '=', orgId)
    .where('name', '=', name)
    .execute();
}

export interface ListPipelineTemplates extends PageRequest {
  readonly category?: string | undefined;
  /** Leaves out the system's and others' public ones. @default false */
  readonly ownOnly?: boolean | undefined;
  /** @default whosever it is */
  readonly owner?: Owner | undefined;
  /** Exactly this name: the versions of one template. */
  readonly name?: string | undefined;
  /** Part of the name, the display name or the description, whatever its case. */
  readonly text?: string | undefined;
  readonly isPublic?: boolean | undefined;
}

/** A template without its definition, which may be large. */
export type PipelineTemplateHead = Omit<PipelineTemplateRow, 'workflow_definition' | 'default_parameters'>;

const HEAD = [
  'template_id',
  'org_id',
  'name',
  'display_name',
  'description',
  'category',
  'is_public',
  'is_system',
  'version',
  'created_by',
  'created_at',
  'updated_at',
] as const satisfies (keyof PipelineTemplateHead)[];

/** Templates the organization may instantiate, newest first. */
export async function listPipelineTemplates(
  tx: OrganizationTransaction,
  request: ListPipelineTemplates = {},
): Promise<Page<PipelineTemplateHead>> {
  const { category, owner, name, text, isPublic } = request;
  let query = tx.selectFrom('pipeline_templates').select(HEAD).where('template_id', '<', idBeforePage(request));
  if (category !== undefined) query = query.where('category', '=', category);
  if (request.ownOnly) query = query.where('org_id', '=', organizationOf(tx));
  if (owner !== undefined) query = query.where(ownedBy(tx, owner));
  if (name !== undefined) query = query.where('name', '=', name);
  if (text !== undefined) query = query.where(containsText(['name', 'display_name', 'description'], text));
  if (isPublic !== undefined) query = query.where('is_public', '=', isPublic);
  const rows = await query
    .orderBy('template_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.template_id]);
}

/** The steps of a template in their order. `depends_on` holds step ids. */
export function listPipelineTaskSteps(tx: MetadataTransaction, { templateId }: ById): Promise<PipelineTaskStepRow[]> {
  return tx
    .selectFrom('pipeline_task_steps')
    .selectAll()
    .where('template_id', '=', rowId(templateId))
    .orderBy('step_order')
    .execute();
}

/** A step as a caller gives it: it depends on names, which become ids when the steps are written. */
export type TemplateStep = Pick<NewPipelineTaskStepRow, 'step_name' | 'task_definition_id' | 'parameter_overrides'> & {
  readonly depends_on?: readonly string[] | undefined;
};

export interface NewTemplate {
  readonly template: Omit<OwnedRow<NewPipelineTemplateRow>, 'is_system'>;
  /** In the order they are shown. */
  readonly steps: readonly TemplateStep[];
}

/**
 * Writes a template with its steps, or nothing. It is a system template exactly when the transaction is the system organization's.
 * @throws {ValidationFailedError} when two steps share a name, a step depends on an unknown one, or the version is no semver.
 * @throws {ConflictError} when the organization has this version already.
 * @throws {RowRefusedError} when a step uses a task that is neither the organization's nor the system's.
 */
export async function insertPipelineTemplate(
  tx: OrganizationTransaction,
  { template, steps }: NewTemplate,
): Promise<PipelineTemplateRow> {
  const { version = '1.0.0' } = template;
  requireSemver(version);
  const org_id = organizationOf(tx);
  const row = {
    ...template,
    version,
    template_id: template.template_id ?? newId(),
    org_id,
    is_system: org_id === SYSTEM_ORG_ID,
  };
  const stepRows = toStepRows(row.template_id, steps);
  return translateRefusal({ entity, id: `${row.name}@${version}`, hint }, async () => {
    const written = await tx.insertInto('pipeline_templates').values(row).returningAll().executeTakeFirstOrThrow();
    // One statement of one parameter: a statement takes 65,535 of them, and the rule on dependencies is asked at its end.
    await sql`insert into pipeline_task_steps
      (step_id, template_id, task_definition_id, step_name, step_order, depends_on, parameter_overrides)
      select r.step_id, r.template_id, r.task_definition_id, r.step_name, r.step_order, r.depends_on, r.parameter_overrides
      from jsonb_to_recordset(${JSON.stringify(stepRows)}::jsonb) as r(step_id uuid, template_id uuid, task_definition_id uuid,
        step_name text, step_order integer, depends_on jsonb, parameter_overrides jsonb)`.execute(tx);
    return written;
  });
}

/** What may change without the steps. The definition and its steps are written together: publish a new version. */
export type PipelineTemplateChange = Pick<
  PipelineTemplateRowUpdate,
  'display_name' | 'description' | 'category' | 'default_parameters' | 'is_public'
>;

/** Changes how the template is shown and offered. @throws {NotFoundError} also for a template that is not the organization's own. */
export async function updatePipelineTemplate(
  tx: OrganizationTransaction,
  { templateId, set }: ById & { readonly set: PipelineTemplateChange },
): Promise<PipelineTemplateRow> {
  if (isEmpty(set)) return getPipelineTemplate(tx, { templateId });
  const row = await translateRefusal({ entity, id: templateId, hint }, () =>
    tx
      .updateTable('pipeline_templates')
      .set(set)
      .where('template_id', '=', rowId(templateId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: templateId });
}

/** Removes the template with its steps; pipelines made from it stay. Returns false when the organization owns no such template. */
export async function deletePipelineTemplate(tx: OrganizationTransaction, { templateId }: ById): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('pipeline_templates')
    .where('template_id', '=', rowId(templateId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

/** Self-dependence is the one cycle that can be told here; longer ones are the definition's to refuse. */
function findIssues(steps: readonly TemplateStep[]): ValidationIssue[] {
  const names = new Set(steps.map((step) => step.step_name));
  const unknown = steps.flatMap(({ step_name, depends_on = [] }, index) =>
    depends_on
      .filter((name) => name === step_name || !names.has(name))
      .map((name) => ({
        pointer: `/steps/${index}/depends_on`,
        message: `expected the name of another step of this template, got ${JSON.stringify(name)}`,
      })),
  );
  if (names.size === steps.length) return unknown;
  return [{ pointer: '/steps', message: 'expected every step to have a name of its own' }, ...unknown];
}

function toStepRows(templateId: string, steps: readonly TemplateStep[]): object[] {
  const issues = findIssues(steps);
  if (issues.length > 0) throw new ValidationFailedError({ subject: entity, issues });
  const ids = new Map(steps.map((step) => [step.step_name, newId()]));
  return steps.map(({ step_name, task_definition_id, depends_on = [], parameter_overrides = {} }, index) => ({
    step_id: ids.get(step_name),
    template_id: templateId,
    task_definition_id,
    step_name,
    step_order: index,
    depends_on: depends_on.map((name) => ids.get(name)),
    parameter_overrides,
  }));
}
