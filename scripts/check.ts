import { runStage, stages } from './stages.ts';

// `npm run check`: what `npm test` does before its tests.
for (const stage of stages) if (!(await runStage(stage))) process.exitCode = 1;
