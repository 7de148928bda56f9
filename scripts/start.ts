import { join } from 'node:path';
import { provisionPrograms } from './provision.ts';
import { root } from './repository.ts';
import { runProgram } from './run-program.ts';

// `npm start`: everything that the quickstart needs, then the quickstart itself. Exits 2 where a program is missing.
process.exitCode =
  provisionPrograms().length > 0
    ? 2
    : await runProgram(process.execPath, {
        args: [join(root, 'examples/quickstart/src/main.ts'), ...process.argv.slice(2)],
      });
