import { createRoot } from 'react-dom/client';
import { App } from '../../src/app/App.tsx';
import { provideEngine } from '../../src/features/shared/engine.ts';
import { isScene, ScriptedEngine } from './scripted-engine.ts';

// The app's own page over a scripted engine: `rooms.html?scene=full#/compare`.
const scene = new URLSearchParams(location.search).get('scene') ?? 'empty';
if (!isScene(scene)) throw new Error(`no scene is called ${scene}`);
provideEngine(new ScriptedEngine(scene));

const root = document.getElementById('root');
if (!root) throw new Error('rooms.html has no element with id "root"');
createRoot(root).render(<App />);
