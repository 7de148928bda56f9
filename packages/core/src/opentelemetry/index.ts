export { type InstrumentExecutor, instrumentExecutor } from './instrument-executor.ts';
