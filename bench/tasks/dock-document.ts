/** What the bench's service says of itself: one POST, a body and an answer as docking has them. */
export const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Dock', version: '1.0.0', 'x-mad': { taskKey: 'dock' } },
  paths: {
    '/dock': {
      post: {
        operationId: 'dock',
        requestBody: {
          required: true,
          content: { 'application/json': { schema: { $ref: '#/components/schemas/Request' } } },
        },
        responses: {
          200: {
            description: 'poses',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Poses' } } },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Request: {
        type: 'object',
        properties: {
          smiles: { type: 'string', minLength: 1, maxLength: 2_000 },
          center: { $ref: '#/components/schemas/Point' },
          size: { $ref: '#/components/schemas/Point' },
          exhaustiveness: { type: 'integer', minimum: 1, maximum: 1_024, default: 8 },
          seed: { type: 'integer', minimum: 1 },
        },
        required: ['smiles', 'center', 'size'],
        additionalProperties: false,
      },
      Point: {
        type: 'object',
        properties: { x: { type: 'number' }, y: { type: 'number' }, z: { type: 'number' } },
        required: ['x', 'y', 'z'],
        additionalProperties: false,
      },
      Poses: {
        type: 'object',
        properties: {
          poses: { type: 'array', minItems: 1, items: { $ref: '#/components/schemas/Pose' } },
          engine_version: { type: 'string' },
          seed: { type: 'integer' },
        },
        required: ['poses', 'engine_version', 'seed'],
      },
      Pose: {
        type: 'object',
        properties: {
          rank: { type: 'integer', minimum: 1 },
          affinity: { type: 'number' },
          rmsd_lb: { type: 'number', minimum: 0 },
          rmsd_ub: { type: 'number', minimum: 0 },
        },
        required: ['rank', 'affinity', 'rmsd_lb', 'rmsd_ub'],
      },
    },
  },
};

export const REQUEST = {
  smiles: 'CC(=O)Oc1ccccc1C(=O)O',
  center: { x: 15.19, y: 53.903, z: 16.917 },
  size: { x: 20, y: 20, z: 20 },
  exhaustiveness: 8,
  seed: 42,
};

/** Nine poses: 650 bytes as JSON. */
export const ANSWER = {
  poses: Array.from({ length: 9 }, (_, index) => ({
    rank: index + 1,
    affinity: -7.1 + index * 0.3,
    rmsd_lb: index * 1.25,
    rmsd_ub: index * 1.75,
  })),
  engine_version: 'AutoDock Vina 1.2.3',
  seed: 42,
};
