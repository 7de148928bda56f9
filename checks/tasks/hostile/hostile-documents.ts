import type { JsonObject } from '@mad/core';

/** A document that must be refused before anything in it is followed, and the code it is refused with. */
export interface HostileDocument {
  readonly name: string;
  readonly document: string | object;
  readonly code: string;
  /** Found out when the time is over. */
  readonly isSlow?: boolean;
}

const REFUSED = 'MAD_TASKS_DOCUMENT_REFUSED';
const INVALID = 'MAD_TASKS_DOCUMENT_INVALID';
const UNFIT = 'MAD_CORE_VALIDATION_FAILED';

const json = (schema: unknown): JsonObject => ({
  description: '',
  content: { 'application/json': { schema: schema as JsonObject } },
});
const to = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

const documentOf = (schema: unknown, schemas: JsonObject = {}): JsonObject => ({
  openapi: '3.1.0',
  info: { title: 'x', version: '1.0.0' },
  paths: {
    '/execute': {
      post: { operationId: 'execute', requestBody: json(schema), responses: { 200: json({ type: 'object' }) } },
    },
  },
  components: { schemas },
});

const fromEach = (count: number, entry: (index: number) => readonly [string, JsonObject]): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));
const doubling = (combine: (next: JsonObject) => JsonObject): JsonObject => ({
  ...fromEach(30, (a) => [`A${a}`, { type: 'object', ...combine(to(`A${a + 1}`)) }]),
  A30: { type: 'object' },
});
const nested = (depth: number): object => (depth === 0 ? {} : { properties: { a: nested(depth - 1) } });

/** `file` and `url` are a file and a server that nobody may open. */
export function listHostileDocuments({ file, url }: { file: string; url: string }): readonly HostileDocument[] {
  const refused = (name: string, document: string | object) => ({ name, document, code: REFUSED });
  return [
    refused('a reference to a file', documentOf({ $ref: file })),
    refused('a reference to a file URL', documentOf({ $ref: `file://${file}` })),
    refused('a reference to a server', documentOf({ $ref: `${url}/schema.json` })),
    refused('a reference beside the document', documentOf({ $ref: 'other.yaml#/x' })),
    refused('a dynamic reference to a server', documentOf({ $dynamicRef: `${url}/x` })),
    refused('a path item from a server', { ...documentOf({}), paths: { '/execute': { $ref: `${url}/path.json` } } }),
    refused('$async', documentOf({ $async: true })),
    refused('$data', documentOf({ type: 'object', properties: { a: { maximum: { $data: '1/x' } } } })),
    refused('__proto__', `{"openapi":"3.1.0","info":{"__proto__":{"polluted":1}}}`),
    refused('constructor', documentOf({ properties: { constructor: {} } })),
    refused('prototype', documentOf({ prototype: {} })),
    refused('65 levels', documentOf(nested(40))),
    refused(
      'a YAML bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[n]}`).join(',')}]`).join('\n')}`,
    ),
    refused('a cyclic anchor', 'a: &a\n  b: *a'),
    refused('YAML keys given twice', 'openapi: 3.1.0\nopenapi: 3.0.0'),
    refused('two YAML documents', 'a: 1\n---\nb: 1'),
    refused('YAML nested without end', '['.repeat(250_000)),
    {
      name: 'a tag of JavaScript in YAML',
      document: 'openapi: 3.1.0\ninfo: {title: x, version: 1.0.0}\npaths: !!js/function "function () { return 1 }"',
      code: INVALID,
    },
    refused('more than 5 MB', { a: 'x'.repeat(5 * 1024 * 1024) }),
    refused('600,000 values', { a: Array(600_000).fill(0) }),
    refused('neither JSON nor YAML', '{"a": [}'),
    refused(
      'allOf that doubles at every level',
      documentOf(
        to('A0'),
        doubling((next) => ({ allOf: [next, next] })),
      ),
    ),
    refused(
      'oneOf that doubles at every level',
      documentOf(
        to('A0'),
        doubling((next) => ({ oneOf: [next, next] })),
      ),
    ),
    refused(
      'a chain of a thousand schemas',
      documentOf(to('A0'), { ...fromEach(1_000, (a) => [`A${a}`, { allOf: [to(`A${a + 1}`)] }]), A1000: {} }),
    ),
    refused(
      '20,000 schemas',
      documentOf({ type: 'object', properties: fromEach(20_000, (p) => [`p${p}`, { type: 'string' }]) }),
    ),
    { name: 'a circle of references', document: documentOf(to('A'), { A: to('B'), B: to('A') }), code: INVALID },
    { name: 'a reference to nothing', document: documentOf(to('Nothing')), code: INVALID },
    { name: 'another dialect', document: { ...documentOf({}), jsonSchemaDialect: `${url}/dialect` }, code: INVALID },
    { name: 'a version that is none', document: { ...documentOf({}), openapi: '2.0' }, code: INVALID },
    {
      name: '120,000 faults',
      document: { ...documentOf({}), tags: Array(120_000).fill({ description: 1 }) },
      code: REFUSED,
      isSlow: true,
    },
    {
      name: 'a pattern that backtracks',
      document: documentOf({ type: 'object', properties: { a: { pattern: '^(a+)+$' } } }),
      code: UNFIT,
    },
    {
      name: 'a pattern that looks behind',
      document: documentOf({ type: 'object', properties: { a: { pattern: '(?<=a)b' } } }),
      code: UNFIT,
    },
    {
      name: 'a pattern of two gigabytes',
      document: documentOf({ type: 'object', properties: { a: { pattern: '((a{900}){900}){900}' } } }),
      code: UNFIT,
    },
  ];
}
