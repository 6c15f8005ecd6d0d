import { describe, expect, it } from 'vitest';
import type { NamedBlob } from '../data/named-blob.ts';
import { BenchmarkError, readMmvpFolder, readQuestions } from './mmvp-folder.ts';

const file = (path: string, content: BlobPart = path): NamedBlob => ({ path, blob: new Blob([content]) });
const csv =
  '\ufeffQuestion ID,Type,Statement\r\n1,Color,"red, mostly"\r\n2,Colour,blue\r\n3,Text,a\r\n4,Text,b\r\n';

describe('readMmvpFolder', () => {
  for (const folder of ['MLLM_VLM Images', 'MLLM_VLM_Images', 'MMVP_VLM_Images']) {
    it(`finds the images under ${folder}, both of a pair under the first row’s type`, async () => {
      const benchmark = await readMmvpFolder([
        file(`MMVP/${folder}/Color/2.jpg`),
        file(`MMVP/${folder}/Color/1.jpg`),
        file(`MMVP/${folder}/Text/3.webp`),
        file(`MMVP/${folder}/Text/4.PNG`),
        file('MMVP/Questions.csv', csv),
        file('MMVP/deeper/Questions.csv', 'not this one'),
      ]);
      expect(benchmark.rows.map((row) => row.statement)).toEqual(['red, mostly', 'blue', 'a', 'b']);
      expect(await Promise.all(benchmark.images.map(({ blob }) => blob.text()))).toEqual([
        `MMVP/${folder}/Color/1.jpg`,
        `MMVP/${folder}/Color/2.jpg`,
        `MMVP/${folder}/Text/3.webp`,
        `MMVP/${folder}/Text/4.PNG`,
      ]);
      expect(benchmark.official).toBe(false);
      expect(benchmark.patterns).toEqual([
        { name: 'Color', pairs: 1 },
        { name: 'Text', pairs: 1 },
      ]);
      expect(benchmark.warnings).toEqual([expect.stringMatching(/^Id 2: its Type differs/)]);
    });
  }

  it('says which part is missing', async () => {
    await expect(readMmvpFolder([file('a/1.jpg')])).rejects.toThrow(/No Questions\.csv/);
    await expect(readMmvpFolder([file('Questions.csv', csv), file('Images/Color/1.jpg')])).rejects.toThrow(
      /No image folder beside Questions\.csv.*MLLM_VLM Images/,
    );
    await expect(
      readMmvpFolder([file('Questions.csv', csv), file('MLLM_VLM Images/Color/1.jpg')]),
    ).rejects.toThrow(/3 of 4 images are missing: MLLM_VLM Images\/Color\/2\.jpg/);
    await expect(readMmvpFolder([file('Questions.csv', new Uint8Array([0x93, 0x94]))])).rejects.toThrow(
      /not UTF-8/,
    );
  });
});

describe('readQuestions', () => {
  it('names the line that it cannot read', () => {
    expect(() => readQuestions('')).toThrow(BenchmarkError);
    expect(() => readQuestions('1,Color,red\n2,Color,blue\n')).toThrow(/no header/);
    expect(() => readQuestions('id,t,s\n1,Color,red\n2,Color,blue, light\n')).toThrow(/line 3: 4 columns/);
    expect(() => readQuestions('id,t,s\n1,Color,red\ntwo,Color,blue\n')).toThrow(
      /line 3: the Question ID “two”/,
    );
    expect(() => readQuestions('id,t,s\n1,Color,red\n')).toThrow(/no pair/);
  });
});
