import { expect, test } from 'vitest';
import { readResourceClass } from '../../src/service-registry/resource-class.ts';

test.each([
  { resources: { gpu: 1 } },
  { resources: { gpus: '2' } },
  { resources: { gpu: true } },
  { resources: { 'nvidia.com/gpu': '1' } },
  { resources: { limits: { 'amd.com/gpu': 1 } } },
  { resources: { requests: { gpu: 0.5 } } },
])('%j needs a GPU', (config) => {
  expect(readResourceClass(config)).toBe('gpu');
});

test.each([
  {},
  { resources: { cpu: '2000m', memory: '4Gi' } },
  { resources: { gpu: 0 } },
  { resources: { gpu: '0' } },
  { resources: { gpu: false, 'nvidia.com/gpu': null } },
  { resources: { gpu_driver: '535' } },
  { resources: 'gpu' },
  { resources: null },
])('%j does not', (config) => {
  expect(readResourceClass(config)).toBeUndefined();
});
