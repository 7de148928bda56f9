import { randomBytes } from 'node:crypto';
import { newId } from '@mad/core';

/** Everything of an organization that another could name: ids, keys, digests, addresses and names. */
export interface Target {
  readonly orgId: string;
  readonly orgName: string;
  readonly userId: string;
  readonly email: string;
  readonly roleId: string;
  readonly roleName: string;
  readonly tokenId: string;
  readonly invitationId: string;
  readonly auditId: string;
  readonly taskDefinitionId: string;
  readonly taskKey: string;
  readonly serviceId: string;
  readonly templateId: string;
  readonly templateName: string;
  readonly stepId: string;
  readonly pipelineId: string;
  readonly pipelineName: string;
  readonly pipelineVersionId: string;
  readonly jobId: string;
  readonly pendingJobId: string;
  readonly execId: string;
  readonly idempotencyKey: string;
  readonly screeningId: string;
  readonly scheduleId: string;
  readonly scheduleName: string;
  readonly moleculeId: string;
  readonly moleculeName: string;
  readonly artifactId: string;
  readonly digest: string;
  readonly uri: string;
  readonly cacheKey: string;
  readonly inputSignature: string;
}

/** Ids, digests, and the tags that names carry. */
export const NAMED = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|tag[0-9a-f]{12}/gi;

export const newTag = (): string => `tag${randomBytes(6).toString('hex')}`;

/** The same in form, and nobody has it. */
export function nobodyLike(target: Target): Target {
  const known = new Map<string, string>();
  const replace = (text: string): string => {
    const other = known.get(text) ?? otherThan(text);
    known.set(text, other);
    return other;
  };
  return mapTarget(target, (value) => value.replace(NAMED, replace));
}

/** SQL in place of every text that is not held to a form. */
export function hostileLike(target: Target): Target {
  const [first, second] = [target.orgId.slice(0, 10), target.orgId.slice(10)];
  const sql = `'; reset role; select set_config('mad.org_id', '${first}' || '${second}', true); select '`;
  return mapTarget(target, (value) => (/tag[0-9a-f]{12}/.test(value) ? sql : value));
}

function otherThan(text: string): string {
  if (text.startsWith('tag')) return newTag();
  return text.length === 64 ? randomBytes(32).toString('hex') : newId();
}

function mapTarget(target: Target, map: (value: string) => string): Target {
  return Object.fromEntries(Object.entries(target).map(([key, value]) => [key, map(value)])) as unknown as Target;
}
