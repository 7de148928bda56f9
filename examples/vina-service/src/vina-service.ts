import type { Logger } from '@mad/core';
import { getLigandPreparationVersion, getOpenBabelVersion, getVinaVersion } from '@mad/docking';
import { createTaskService, type TaskService } from '@mad/tasks/service';
import { defineDock } from './dock.ts';
import { definePrepareLigand } from './prepare-ligand.ts';
import { definePrepareReceptor } from './prepare-receptor.ts';

/**
 * A service of `prepare-receptor`, `prepare-ligand` and `dock`.
 * @throws {ProgramMissingError} when Vina or Open Babel is not installed.
 */
export async function createVinaService(logger?: Logger): Promise<TaskService> {
  const versions = [getVinaVersion(), getOpenBabelVersion(), getLigandPreparationVersion()] as const;
  const [vina, openBabel, ligandTools] = await Promise.all(versions);
  const operations = [definePrepareReceptor(openBabel), definePrepareLigand(ligandTools), defineDock(vina)];
  return createTaskService({ operations, logger });
}
