import { ActionIcon, Button, NativeSelect, TextInput } from '@mantine/core';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type FormEvent, useEffect, useState } from 'react';
import type { PatchView } from '../../../workers/protocol.ts';
import { embeddingTable, normaliseRows } from '../../evaluation/embeddings.ts';
import { patchSimilarity } from '../../evaluation/patch-similarity.ts';
import { useImages } from '../images/store.ts';
import { engine } from '../shared/engine.ts';
import { baseName } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { Spinner } from '../shared/Ring.tsx';
import { StoredImage } from '../shared/StoredImage.tsx';
import { parseWeights, useWeightChoices } from '../shared/weight-choices.ts';
import { problemOf } from '../shared/work.ts';
import { PatchMap } from './PatchMap.tsx';
import { SegmentMap } from './SegmentMap.tsx';
import './patches.css';

const stripSize = 8;

interface Look {
  /** Value of the weights that looked. */
  value: string;
  label: string;
  view: PatchView;
  /** The phrase in this model's space, once asked for. */
  phrase: Float32Array | null;
  /** The labels asked for and their rows in this model's space. */
  labelled: { labels: string[]; heads: Float32Array } | null;
}

/** Where in a picture an encoder sees what: each patch's likeness to a chosen patch, or to a phrase. */
export function PatchPanel() {
  const sets = useImages((state) => state.sets);
  const allPaths = useImages((state) => state.paths);
  const models = useWeightChoices().flatMap(({ items }) => items);
  const [set, setSet] = useState<string | null>(null);
  const [from, setFrom] = useState(0);
  const [path, setPath] = useState<string | null>(null);
  const [first, setFirst] = useState<string | null>(null);
  const [second, setSecond] = useState('');
  const [text, setText] = useState('');
  const [labelText, setLabelText] = useState('');
  const [looks, setLooks] = useState<Look[]>([]);
  const [patch, setPatch] = useState<number | null>(null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);

  const owner = set ?? sets[0]?.id;
  const paths = (owner && allPaths[owner]) || [];
  const model = first ?? models[0]?.value;
  useEffect(() => {
    if (owner) void useImages.getState().loadPaths(owner);
  }, [owner]);

  async function attempt(work: () => Promise<void>) {
    setBusy(true);
    setProblem(null);
    try {
      await work();
    } catch (error) {
      setProblem(problemOf(error));
    }
    setBusy(false);
  }

  const look = (chosen: string) =>
    attempt(async () => {
      if (!owner || !model) return;
      setPath(chosen);
      const made: Look[] = [];
      for (const value of [model, second].filter(Boolean)) {
        const label = models.find((each) => each.value === value)?.label ?? value;
        const view = await engine().patchView(parseWeights(value), owner, chosen);
        made.push({ value, label, view, phrase: null, labelled: null });
      }
      setLooks(made);
      const { grid } = made[0]!.view;
      setPatch(Math.floor(grid / 2) * grid + Math.floor(grid / 2));
    });

  const ask = (event: FormEvent) => {
    event.preventDefault();
    void attempt(async () => {
      const asked: Look[] = [];
      for (const each of looks)
        asked.push({ ...each, phrase: await engine().phrase(parseWeights(each.value), text.trim()) });
      setLooks(asked);
      setPatch(null);
    });
  };

  const label = (event: FormEvent) => {
    event.preventDefault();
    void attempt(async () => {
      const labels = labelsOf(labelText);
      if (labels.length < 2) throw new Error('Give at least two labels, with commas between them.');
      const asked: Look[] = [];
      for (const each of looks) {
        const heads = await headsOf(each.value, labels, each.view.width);
        asked.push({ ...each, labelled: { labels, heads } });
      }
      setLooks(asked);
    });
  };

  return (
    <Panel
      title="Patches"
      note="Choose a picture, then a patch of it: every patch is shown by its likeness to that one. Or ask for a phrase."
    >
      <div className="patch-choices">
        <NativeSelect
          label="Pictures"
          value={owner ?? ''}
          data={
            sets.length === 0
              ? [{ value: '', label: 'None yet: add some in Images' }]
              : sets.map(({ id, name }) => ({ value: id, label: name }))
          }
          onChange={(event) => {
            setSet(event.currentTarget.value);
            setFrom(0);
          }}
        />
        <NativeSelect
          label="Seen by"
          value={model ?? ''}
          data={models}
          onChange={(event) => setFirst(event.currentTarget.value)}
        />
        <NativeSelect
          label="Beside"
          value={second}
          data={[{ value: '', label: 'Nobody' }, ...models]}
          onChange={(event) => setSecond(event.currentTarget.value)}
        />
      </div>
      {owner && paths.length > 0 && (
        <div className="patch-strip">
          <ActionIcon
            variant="default"
            aria-label="Earlier pictures"
            disabled={from === 0}
            onClick={() => setFrom(Math.max(0, from - stripSize))}
          >
            <IconChevronLeft size={16} />
          </ActionIcon>
          {paths.slice(from, from + stripSize).map((each) => (
            <button
              key={each}
              type="button"
              aria-label={`Look at ${baseName(each)}`}
              aria-pressed={each === path}
              disabled={busy}
              onClick={() => void look(each)}
            >
              <StoredImage owner={owner} path={each} alt="" />
            </button>
          ))}
          <ActionIcon
            variant="default"
            aria-label="Later pictures"
            disabled={from + stripSize >= paths.length}
            onClick={() => setFrom(from + stripSize)}
          >
            <IconChevronRight size={16} />
          </ActionIcon>
        </div>
      )}
      {problem !== null && <Problem title="The picture could not be looked at">{problem}</Problem>}
      {busy && (
        <p className="evaluate-hint" role="status">
          <Spinner /> Looking
        </p>
      )}
      {looks.length > 0 && (
        <>
          <form className="patch-phrase" onSubmit={ask}>
            <TextInput
              label="Phrase"
              placeholder="a red apple"
              value={text}
              onChange={(event) => setText(event.currentTarget.value)}
            />
            <Button type="submit" variant="default" disabled={text.trim() === '' || busy}>
              Show the phrase
            </Button>
          </form>
          <form className="patch-phrase" onSubmit={label}>
            <TextInput
              label="Labels"
              description="Every pixel goes to the nearest of them."
              placeholder="apple, tree, sky"
              value={labelText}
              onChange={(event) => setLabelText(event.currentTarget.value)}
            />
            <Button type="submit" variant="default" disabled={labelText.trim() === '' || busy}>
              Segment
            </Button>
          </form>
          <div className="patch-maps">
            {looks.map(({ value, label, view, phrase }) => {
              const at = patch === null ? null : Math.min(patch, view.grid ** 2 - 1);
              const query =
                at === null ? phrase : view.tokens.subarray((at + 1) * view.width, (at + 2) * view.width);
              return (
                <PatchMap
                  key={value}
                  name={label}
                  view={view}
                  chosen={at}
                  similarity={query && patchSimilarity(view.tokens, query)}
                  onChoose={setPatch}
                />
              );
            })}
            {looks.map(
              ({ value, label: name, view, labelled }) =>
                labelled && <SegmentMap key={value} name={name} view={view} {...labelled} />,
            )}
          </div>
        </>
      )}
    </Panel>
  );
}

const labelsOf = (text: string): string[] => [
  ...new Set(
    text
      .split(/[,\n]/)
      .map((label) => label.trim())
      .filter(Boolean),
  ),
];

/** Labels in a plain prompt, in a model's space: [labels, width], rows of length 1. */
async function headsOf(value: string, labels: readonly string[], width: number): Promise<Float32Array> {
  const rows: Float32Array[] = [];
  for (const label of labels) rows.push(await engine().phrase(parseWeights(value), `a photo of a ${label}.`));
  const values = new Float32Array(labels.length * width);
  for (const [i, row] of rows.entries()) values.set(row, i * width);
  return normaliseRows(embeddingTable(values, labels.length, 'labels'), 'label').values;
}
