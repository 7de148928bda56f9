import { join } from 'node:path';
import { root } from './repository.ts';
import { runProgram } from './run-program.ts';
import { runStage, stages } from './stages.ts';

// `npm run check`: what `npm test` does before its tests. `npm run check -- executor …`: what the executor promises, at full size.
const args = process.argv.slice(2);
if (args.length > 0) {
  process.exitCode = await runProgram(process.execPath, {
    args: ['--no-deprecation', join(root, 'checks/main.ts'), ...args],
  });
} else for (const stage of stages) if (!(await runStage(stage))) process.exitCode = 1;
