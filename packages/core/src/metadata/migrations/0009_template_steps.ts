import { sqlMigration } from '../../postgres/sql-migration.ts';
import { refuse } from './trigger-statements.ts';

const NAME = 'mad_step_dependencies_known';
const CHANGED = 'SELECT template_id FROM changed';

// The same rule as before, asked once a statement: for every row it compared all steps of the template with each other, two minutes at 1,000 steps.
// EXCEPT sorts or hashes whatever the planner believes of a table that it has no statistics of.
const KNOWN = `CREATE OR REPLACE FUNCTION ${NAME}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $function$
BEGIN
  IF EXISTS (SELECT FROM pipeline_task_steps s WHERE s.template_id IN (${CHANGED}) AND s.depends_on ? s.step_id::text)
    OR EXISTS (
      (SELECT s.template_id, needed.step_id FROM pipeline_task_steps s CROSS JOIN jsonb_array_elements_text(s.depends_on) AS needed(step_id)
        WHERE s.template_id IN (${CHANGED}))
      EXCEPT
      (SELECT s.template_id, s.step_id::text FROM pipeline_task_steps s WHERE s.template_id IN (${CHANGED}))) THEN
    ${refuse('pipeline_task_steps_depends_on_known', 'depends_on names ids of other steps of the same template only')}
  END IF;
  RETURN NULL;
END $function$`;

// A step that is moved leaves one template and comes to another: an update is asked about both.
const EVENTS = [
  ['insert', 'INSERT', 'NEW'],
  ['update_to', 'UPDATE', 'NEW'],
  ['update_from', 'UPDATE', 'OLD'],
  ['delete', 'DELETE', 'OLD'],
] as const;

/** Lets templates of thousands of steps be written in moments. */
export const templateSteps = sqlMigration([
  `DROP TRIGGER ${NAME} ON pipeline_task_steps`,
  KNOWN,
  ...EVENTS.map(
    ([suffix, event, rows]) => `CREATE TRIGGER ${NAME}_${suffix} AFTER ${event} ON pipeline_task_steps
      REFERENCING ${rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION ${NAME}()`,
  ),
]);
