import { BenchmarkDrop } from '../shared/BenchmarkDrop.tsx';
import { formatPlural } from '../shared/format.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { SpecList } from '../shared/SpecList.tsx';
import { useImages } from './store.ts';

/** The benchmark in use, and the way to give one. */
export function BenchmarkPanel() {
  const benchmark = useImages((state) => state.benchmarks.find(({ id }) => id === state.benchmark));
  const work = useImages((state) => state.addingBenchmark);
  const { addBenchmark, addBuiltInBenchmark, failBenchmark } = useImages.getState();
  return (
    <Panel
      title="Benchmark"
      note="Pairs of images that CLIP confuses, with a statement for each: MMVP’s folder or one laid out like it."
      className="benchmark"
    >
      {benchmark && (
        <div className="benchmark-card">
          <h3>{benchmark.name}</h3>
          <p>
            {formatPlural(benchmark.pairs, 'pair')} in {formatPlural(benchmark.patterns.length, 'pattern')},{' '}
            {benchmark.official ? 'the official form' : 'MMVP-style'}
          </p>
          {benchmark.warnings.length > 0 && (
            <Problem tone="caution" title="Read with warnings">
              <ul>
                {benchmark.warnings.map((warning) => (
                  <li key={warning}>{warning}</li>
                ))}
              </ul>
            </Problem>
          )}
          <SpecList specs={benchmark.patterns.map(({ name, pairs }) => ({ name, value: pairs }))} />
        </div>
      )}
      <BenchmarkDrop
        work={work}
        narrow
        filled={benchmark !== undefined}
        onFiles={(files) => void addBenchmark(files)}
        onBuiltIn={() => void addBuiltInBenchmark()}
        onProblem={failBenchmark}
      />
    </Panel>
  );
}
