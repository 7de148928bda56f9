import type { AuditedChange, JsonObject, TaskDefinitionRow } from '@mad/core';
import { withoutEnvironment } from './without-environment.ts';

/** A version that was made, as the audit trail tells it; nothing of it depends on the values of `environment`. */
export function toMadeVersion(
  row: TaskDefinitionRow,
  { action, facts = {} }: { readonly action: string; readonly facts?: JsonObject },
): AuditedChange {
  const { task_id, version, metadata, interface_digest, determinism, producer, image_digest } = row;
  return {
    action,
    entityType: 'task_definition',
    entityId: row.task_definition_id,
    after: {
      ...{ task_id, version, metadata, interface_digest, determinism, producer, image_digest },
      service_config: withoutEnvironment(row.service_config),
    },
    facts: { ...facts, task: `${task_id}@${version}` },
  };
}
