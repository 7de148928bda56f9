import { existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { listWorkspacePackages, root } from './repository.ts';
import { typecheckProject } from './typecheck-project.ts';

const PAGES = ['README.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'];

interface PageModule {
  readonly page: string;
  /** Its lines are the page's own: all that is not code is left empty, so that tsc names the page's lines. */
  code: string;
}

/**
 * Type-checks the ```ts blocks of README.md and docs in a project that can import every package of the repository and whatever those depend
 * on. A block with imports begins a module, one without continues the module before it; what a reader need not see can stand in a comment,
 * `<!-- ts … -->`, before a block that continues it. Returns what is wrong, one line each, with the page and its line.
 */
export async function checkReadme(): Promise<readonly string[]> {
  const pages = globSync(PAGES, { cwd: root }).sort();
  const modules = (await Promise.all(pages.map(readModules))).flat();
  console.log(`${modules.length} modules in ${pages.length} pages`);
  if (modules.length === 0) return [];
  const home = await realpath(await mkdtemp(join(tmpdir(), 'mad-readme-')));
  try {
    await linkPackages(join(home, 'node_modules'));
    await writeFile(join(home, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await Promise.all(modules.map(({ code }, index) => writeFile(join(home, `${index}.ts`), code)));
    const diagnostics = await typecheckProject(home, await compilerOptions());
    return diagnostics
      .filter(({ file }) => dirname(file) === home)
      .map(({ file, line, message }) => `${modules[Number(basename(file, '.ts'))]?.page ?? file}:${line}: ${message}`);
  } finally {
    await rm(home, { recursive: true });
  }
}

async function readModules(page: string): Promise<readonly PageModule[]> {
  const text = (await readFile(join(root, page), 'utf8')).replaceAll('\r\n', '\n');
  const modules: PageModule[] = [];
  let afterHidden = false;
  for (const { index, 0: block, 1: code = '' } of text.matchAll(/^(?:```|<!-- )ts\n(.*?)^(?:```|-->)$/gms)) {
    const hidden = block.startsWith('<!--');
    const before = modules.at(-1);
    const begins = before === undefined || hidden || (/^import\b/m.test(code) && !afterHidden);
    const current = begins ? { page, code: '' } : before;
    const linesBefore = text.slice(0, index).split('\n').length;
    const linesHeld = current.code.split('\n').length - 1;
    current.code += '\n'.repeat(linesBefore - linesHeld) + code;
    if (begins) modules.push(current);
    afterHidden = hidden;
  }
  return modules;
}

async function linkPackages(modules: string): Promise<void> {
  for (const { directory, manifest } of listWorkspacePackages()) {
    await link(directory, join(modules, manifest.name));
    for (const name of Object.keys({ ...manifest.devDependencies, ...manifest.dependencies })) {
      const installed = join(directory, 'node_modules', name);
      if (existsSync(installed)) await link(await realpath(installed), join(modules, name));
    }
  }
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  if (!existsSync(path)) await symlink(target, path, 'dir');
}

/** The repository's own, but a fragment may declare what it does not use. */
async function compilerOptions(): Promise<object> {
  const own = JSON.parse(await readFile(join(root, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
  const typeRoots = [join(root, 'node_modules/@types')];
  return { ...own.compilerOptions, noUnusedLocals: false, noUnusedParameters: false, typeRoots };
}

if (import.meta.main) {
  const problems = await checkReadme();
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}
