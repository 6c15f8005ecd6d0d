import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imagenetTemplates } from './imagenet.ts';
import { classPrompts, readTemplates } from './templates.ts';

describe('templates', () => {
  it('has the 80 of ImageNet as open_clip has them, each with a place for the name', () => {
    // By open_clip itself (tools/reference/evaluation.py).
    const theirs = new URL('../../../tools/reference/fixtures/templates.json', import.meta.url);
    expect(imagenetTemplates).toEqual(JSON.parse(readFileSync(theirs, 'utf8')));
    expect(new Set(imagenetTemplates).size).toBe(80);
    expect(readTemplates(imagenetTemplates.join('\r\n'))).toEqual(imagenetTemplates);
  });

  it('reads one a line and names the line that has no place for the name', () => {
    expect(readTemplates('\ufeff# mine\n\n a {} on a {}. \n')).toEqual(['a {} on a {}.']);
    expect(() => readTemplates('a {}\na photo', 'mine.txt')).toThrow(
      /mine\.txt, line 2: “a photo” has no \{\}/,
    );
    expect(() => readTemplates('# nothing')).toThrow(/holds no template/);
  });

  it('puts every class into every template, whatever its name holds', () => {
    expect(classPrompts(['a', '$&'], ['{}', 'two {} {}'])).toEqual(['a', 'two a a', '$&', 'two $& $&']);
  });
});
