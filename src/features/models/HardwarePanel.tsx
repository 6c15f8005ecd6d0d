import { Button, SegmentedControl, Skeleton } from '@mantine/core';
import type { HardwareReport, ProviderName } from '../../../workers/protocol.ts';
import { Panel } from '../shared/Panel.tsx';
import { Problem } from '../shared/Problem.tsx';
import { providerNames } from '../shared/provider.ts';
import { type Spec, SpecList } from '../shared/SpecList.tsx';
import { useModels } from './store.ts';

/** What runs will be computed on, why, and a way to force the other provider. */
export function HardwarePanel() {
  const hardware = useModels((state) => state.hardware);
  const problem = useModels((state) => state.hardwareProblem);
  const force = useModels((state) => state.force);
  const { askHardware: ask } = useModels.getState();

  return (
    <Panel
      id="hardware"
      title="Hardware"
      note="WebGPU runs on the graphics card, WebAssembly on the processor. Results agree; speed does not."
      className="hardware"
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Provider"
          value={force}
          onChange={(value) => void ask(value as ProviderName | 'auto')}
          data={[
            { value: 'auto', label: 'Automatic' },
            { value: 'webgpu', label: 'WebGPU' },
            { value: 'wasm', label: 'WebAssembly' },
          ]}
        />
      }
    >
      {problem !== null && (
        <Problem
          title="The hardware could not be asked"
          actions={
            <Button size="xs" variant="default" onClick={() => void ask(force)}>
              Try again
            </Button>
          }
        >
          {problem}
        </Problem>
      )}
      {problem === null && hardware === null && <HardwareSkeleton />}
      {hardware !== null && (
        <div className="hardware-body">
          <div className="hardware-verdict">
            <p className="hardware-provider">{providerNames[hardware.provider]}</p>
            <p>{hardware.reason}</p>
          </div>
          <SpecList specs={specs(hardware)} />
        </div>
      )}
    </Panel>
  );
}

function specs({ adapter, wasmThreads, crossOriginIsolated }: HardwareReport): Spec[] {
  return [
    { name: 'WebGPU adapter', value: adapter ? adapter.description || adapter.vendor : 'None offered' },
    ...(adapter
      ? [
          { name: 'Kind', value: adapter.software ? 'Software, computed on the processor' : 'Graphics card' },
          {
            name: 'Vendor, architecture',
            value: [adapter.vendor, adapter.architecture].filter(Boolean).join(', '),
          },
          { name: 'Half precision (f16)', value: adapter.f16 ? 'Yes' : 'No' },
        ]
      : []),
    { name: 'WebAssembly threads', value: String(wasmThreads) },
    {
      name: 'Cross-origin isolated',
      value: crossOriginIsolated ? 'Yes' : 'No: one thread only. Serve the app with COOP and COEP headers.',
    },
  ];
}

function HardwareSkeleton() {
  return (
    <div className="hardware-body" role="status" aria-label="Asking the hardware">
      <Skeleton height={58} />
      <Skeleton height={130} />
    </div>
  );
}
