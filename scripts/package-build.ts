import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Options } from 'tsup';

/**
 * How tsup builds the package in the current folder: every source file that its `exports` and `bin` name becomes the file of the same path
 * under dist. Whatever it depends on, other packages of this repository too, stays an import in code and in declarations.
 */
export function packageBuild(): Options {
  const { exports = {}, bin = {} } = JSON.parse(readFileSync(join(process.cwd(), 'package.json'), 'utf8')) as {
    exports?: Record<string, string>;
    bin?: Record<string, string>;
  };
  const outputName = (source: string): string => source.replace(/^\.\/src\//, '').replace(/\.ts$/, '');
  const entries = (sources: readonly string[]) =>
    Object.fromEntries(sources.map((source) => [outputName(source), source]));
  return {
    entry: entries([...Object.values(exports), ...Object.values(bin)]),
    format: 'esm',
    target: 'node22',
    platform: 'node',
    tsconfig: '../../tsconfig.json',
    dts: { entry: entries(Object.values(exports)) },
    sourcemap: true,
    clean: true,
    silent: true,
  };
}
