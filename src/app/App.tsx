import './mantine-styles.ts';
import './tokens.css';
import './base.css';
import { MantineProvider } from '@mantine/core';
import { useEffect } from 'react';
import { Route, Router, Switch } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { CheckpointsRoom } from '../features/checkpoints/CheckpointsRoom.tsx';
import { CompareRoom } from '../features/compare/CompareRoom.tsx';
import { EvaluateRoom } from '../features/evaluate/EvaluateRoom.tsx';
import { ImagesRoom } from '../features/images/ImagesRoom.tsx';
import { ModelsRoom } from '../features/models/ModelsRoom.tsx';
import { RefineRoom } from '../features/refine/RefineRoom.tsx';
import { useColorScheme } from './color-scheme.ts';
import { DemoRoom } from './demo/DemoRoom.tsx';
import { restore } from './restore.ts';
import { Shell } from './Shell.tsx';
import { Start } from './Start.tsx';
import { theme } from './theme.ts';

export function App() {
  const scheme = useColorScheme();

  useEffect(() => {
    void restore();
  }, []);

  return (
    // Styles are static files: the content security policy lets no style element be injected.
    <MantineProvider
      theme={theme}
      forceColorScheme={scheme}
      withCssVariables={false}
      withGlobalClasses={false}
    >
      <Router hook={useHashLocation}>
        <Shell>
          <Switch>
            <Route path="/" component={Start} />
            <Route path="/demo" component={DemoRoom} />
            <Route path="/models" component={ModelsRoom} />
            <Route path="/images" component={ImagesRoom} />
            <Route path="/refine" component={RefineRoom} />
            <Route path="/compare" component={CompareRoom} />
            <Route path="/evaluate" component={EvaluateRoom} />
            <Route path="/checkpoints" component={CheckpointsRoom} />
            <Route component={Start} />
          </Switch>
        </Shell>
      </Router>
    </MantineProvider>
  );
}
