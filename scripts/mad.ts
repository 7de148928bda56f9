import { join } from 'node:path';
import { root } from './repository.ts';
import { runProgram } from './run-program.ts';

// `npm run mad -- …`: the command line from its sources, in the folder that the caller stands in.
process.exitCode = await runProgram(process.execPath, {
  args: [join(root, 'packages/cli/src/main.ts'), ...process.argv.slice(2)],
  cwd: process.env.MAD_CALLED_FROM ?? process.cwd(),
});
