// First of all: @grafana/runtime reads Grafana's boot data while it is evaluated.
import './runtime/boot';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { setUpRuntime } from './runtime/runtime';

setUpRuntime();
createRoot(document.getElementById('root')!).render(<App />);
