import { expect, test } from 'vitest';
import { ArgumentError, parseArguments } from '../src/arguments.ts';

test.each([['--center', '-18.37,-20.4,3.8'], ['--center=-18.37,-20.4,3.8']])(
  'a center may begin with a minus: %s %s',
  (...argv) => {
    expect(parseArguments([...argv, '--json'])).toMatchObject({ center: [-18.37, -20.4, 3.8], json: true });
  },
);

test('what follows --center and is no number is not taken for one', () => {
  expect(() => parseArguments(['--center', '--json'])).toThrow(ArgumentError);
});

test.each([',,', '1,,3', '1,2, ', '1,2', '1,2,3,4', 'a,b,c'])('a center of %j is refused', (text) => {
  expect(() => parseArguments(['--center', text])).toThrow(
    `--center expects three numbers such as 12.5,-3,8, got ${JSON.stringify(text)}`,
  );
});

test.each(['foo', '127.0.0.1:8080', 'localhost:8080', 'file:///tmp'])('a service at %s is refused', (text) => {
  expect(() => parseArguments(['--service-url', text])).toThrow(
    `--service-url expects an address such as http://127.0.0.1:8080, got ${JSON.stringify(text)}`,
  );
});
