import type { JsonValue } from '@mad/core';
import { expect, test } from 'vitest';
import { toHeaderText, toPairs, toPathText, type Written } from '../../../src/client/request/serialize-parameter.ts';

const LIST = ['blue', 'black', 'brown'];
const OBJECT = { R: 100, G: 200, B: 150 };
const color = (style: Written['style'], explode: boolean, allowReserved = false): Written => ({
  ...{ name: 'color', in: 'query', style, explode, allowReserved },
});

/** The values of OpenAPI's table "Style Examples". */
test.each<[Written['style'], boolean, JsonValue, string]>([
  ['matrix', false, '', ';color'],
  ['matrix', false, 'blue', ';color=blue'],
  ['matrix', false, LIST, ';color=blue,black,brown'],
  ['matrix', false, OBJECT, ';color=R,100,G,200,B,150'],
  ['matrix', true, LIST, ';color=blue;color=black;color=brown'],
  ['matrix', true, OBJECT, ';R=100;G=200;B=150'],
  ['label', false, '', '.'],
  ['label', false, 'blue', '.blue'],
  ['label', false, LIST, '.blue,black,brown'],
  ['label', false, OBJECT, '.R,100,G,200,B,150'],
  ['label', true, LIST, '.blue.black.brown'],
  ['label', true, OBJECT, '.R=100.G=200.B=150'],
  ['simple', false, 'blue', 'blue'],
  ['simple', false, LIST, 'blue,black,brown'],
  ['simple', false, OBJECT, 'R,100,G,200,B,150'],
  ['simple', true, LIST, 'blue,black,brown'],
  ['simple', true, OBJECT, 'R=100,G=200,B=150'],
  ['simple', false, 'a/b?c#d é', 'a%2Fb%3Fc%23d%20%C3%A9'],
  ['simple', false, true, 'true'],
])('in a path, %s, explode %s, %j: %s', (...[style, explode, value, text]) => {
  expect(toPathText(color(style, explode), value)).toBe(text);
});

test.each<[Written['style'], boolean, JsonValue, string]>([
  ['form', false, '', 'color='],
  ['form', false, 'blue', 'color=blue'],
  ['form', false, LIST, 'color=blue,black,brown'],
  ['form', false, OBJECT, 'color=R,100,G,200,B,150'],
  ['form', true, LIST, 'color=blue&color=black&color=brown'],
  ['form', true, OBJECT, 'R=100&G=200&B=150'],
  ['form', true, [], ''],
  ['spaceDelimited', false, LIST, 'color=blue%20black%20brown'],
  ['spaceDelimited', false, OBJECT, 'color=R%20100%20G%20200%20B%20150'],
  ['pipeDelimited', false, LIST, 'color=blue%7Cblack%7Cbrown'],
  ['pipeDelimited', false, OBJECT, 'color=R%7C100%7CG%7C200%7CB%7C150'],
  ['deepObject', true, OBJECT, 'color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150'],
  ['deepObject', true, { a: { b: [1, 2] } }, 'color%5Ba%5D%5Bb%5D=1&color%5Ba%5D%5Bb%5D=2'],
  ['form', true, [{ a: 1 }], 'color=%7B%22a%22%3A1%7D'],
  ['form', false, 'a&b=c#d/e', 'color=a%26b%3Dc%23d%2Fe'],
])('in a query, %s, explode %s, %j: %s', (...[style, explode, value, text]) => {
  expect(toPairs(color(style, explode), value).join('&')).toBe(text);
});

test('reserved characters go out as they are where that is allowed, but for those that part a query', () => {
  expect(toPairs(color('form', true, true), 'http://a.b/c?d=e&f#[g]+h').join('&')).toBe(
    'color=http://a.b/c?d%3De%26f%23%5Bg%5D%2Bh',
  );
});

test('a header is written without encoding', () => {
  expect(toHeaderText(color('simple', false), OBJECT)).toBe('R,100,G,200,B,150');
  expect(toHeaderText(color('simple', true), OBJECT)).toBe('R=100,G=200,B=150');
  expect(toHeaderText(color('simple', false), ['a b', 'ü'])).toBe('a b,ü');
});
