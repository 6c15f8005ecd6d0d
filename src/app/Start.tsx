import { Button } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { useLocation } from 'wouter';
import { useRefine } from '../features/refine/store.ts';
import { formatPlural } from '../features/shared/format.ts';
import { LinkButton } from '../features/shared/LinkButton.tsx';
import { AcuityChart } from './AcuityChart.tsx';
import { useDemo } from './demo/store.ts';
import { ErrorFigure, LookFigure, MeasureFigure, ReconstructFigure } from './HowFigures.tsx';
import './start.css';

/** The first page: what Acuity does, and one click to see it. */
export function Start() {
  const [, go] = useLocation();
  const runs = useRefine((state) => state.runs.length);

  function tryDemo() {
    go('/demo');
    void useDemo.getState().begin();
  }

  return (
    <div className="start">
      <section className="start-hero">
        <div className="start-text">
          <h1 tabIndex={-1}>Sharpen CLIP’s eyesight</h1>
          <p className="start-lead">
            CLIP calls two pictures the same that anyone can tell apart: left and right, two and three, open
            and shut. Acuity refines its vision tower with feedback from a frozen diffusion model, here in
            this tab, and measures what changed pair by pair.
          </p>
          <div className="start-actions">
            <Button size="md" rightSection={<IconArrowRight size={18} stroke={1.75} />} onClick={tryDemo}>
              Try the demo
            </Button>
            <LinkButton href="/models" size="md" variant="default">
              Bring your own models
            </LinkButton>
          </div>
          <p className="start-note">
            Nothing is uploaded. The demo’s models and images come with the app; it loads and runs by itself,
            in about two minutes without a GPU.
          </p>
        </div>
        <AcuityChart />
      </section>
      {runs > 0 && (
        <section className="start-continue" aria-label="Continue">
          <p>{formatPlural(runs, 'run')} from earlier, with curves and checkpoints, in this browser.</p>
          <LinkButton href="/refine" variant="default" size="xs">
            Go on
          </LinkButton>
        </section>
      )}
      <section aria-labelledby="how">
        <h2 id="how">How the feedback works</h2>
        <ol className="start-how">
          <li>
            <LookFigure />
            <h3>Look</h3>
            <p>The encoder turns an image into tokens. They are all that the teacher learns of it.</p>
          </li>
          <li>
            <ReconstructFigure />
            <h3>Reconstruct</h3>
            <p>
              The diffusion model removes noise from the same image, guided by those tokens and not by a
              caption.
            </p>
          </li>
          <li>
            <ErrorFigure />
            <h3>Feel the error</h3>
            <p>
              What it gets wrong is what the tokens left out. The gradient runs back through it into the
              encoder.
            </p>
          </li>
          <li>
            <MeasureFigure />
            <h3>Measure</h3>
            <p>
              Before and after on pairs that CLIP confuses, with the flips, an interval and an exact test.
            </p>
          </li>
        </ol>
        <p className="start-source">
          The method is DIVA, from “Diffusion Feedback Helps CLIP See Better” (arXiv 2407.20171); the
          benchmark is MMVP-VLM.
        </p>
      </section>
    </div>
  );
}
