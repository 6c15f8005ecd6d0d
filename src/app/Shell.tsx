import { type ReactNode, useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { useModels } from '../features/models/store.ts';
import { useAnnouncements } from '../features/shared/announce.ts';
import { useEngineHealth } from '../features/shared/engine-health.ts';
import { Problem } from '../features/shared/Problem.tsx';
import { providerNames } from '../features/shared/provider.ts';
import { Ring } from '../features/shared/Ring.tsx';
import { RoomBoundary } from './RoomBoundary.tsx';
import { RoomLinks } from './RoomLinks.tsx';
import { SchemeSwitch } from './SchemeSwitch.tsx';
import './shell.css';

/** The frame of every room: the rail with the rooms' states, and the room. */
export function Shell({ children }: { children: ReactNode }) {
  const main = useRef<HTMLElement>(null);
  const message = useAnnouncements((state) => state.message);
  const problem = useEngineHealth((state) => state.problem);
  const [location] = useLocation();
  useRoomFocus(main, location);

  return (
    <div className="shell">
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the room
      </button>
      <header className="rail">
        <Link href="/" className="brand" aria-label="Acuity, start page">
          <Ring size={26} turn={0} />
          <span>Acuity</span>
        </Link>
        <RoomLinks />
        <div className="rail-foot">
          <Provider />
          <SchemeSwitch />
        </div>
      </header>
      <main ref={main} id="main" className="room" tabIndex={-1}>
        {problem !== null && (
          <div className="shell-problem">
            <Problem title="The engine does not answer">
              {problem}. Load the page again; runs go on from their last checkpoint.
            </Problem>
          </div>
        )}
        <RoomBoundary key={location}>{children}</RoomBoundary>
      </main>
      <div className="visually-hidden" role="status" aria-live="polite">
        {message}
      </div>
    </div>
  );
}

/** What the engine computes on, always in sight. */
function Provider() {
  const hardware = useModels((state) => state.hardware);
  if (!hardware) return <span className="rail-provider" />;
  const detail =
    hardware.provider === 'webgpu'
      ? (hardware.adapter?.description ?? '')
      : `${hardware.wasmThreads} ${hardware.wasmThreads === 1 ? 'thread' : 'threads'}`;
  return (
    <Link href="/models" className="rail-provider" title={hardware.reason}>
      <b>{providerNames[hardware.provider]}</b>
      <span>{detail}</span>
    </Link>
  );
}

/** On arrival in a room: its title takes the focus, its name the window's title. */
function useRoomFocus(main: { current: HTMLElement | null }, location: string) {
  const first = useRef(true);
  useEffect(() => {
    const heading = main.current?.querySelector('h1');
    document.title = heading && location !== '/' ? `${heading.textContent} · Acuity` : 'Acuity';
    if (first.current) {
      first.current = false;
      return;
    }
    window.scrollTo(0, 0);
    heading?.focus({ preventScroll: true });
  }, [location, main]);
}
