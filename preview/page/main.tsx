// First of all: @grafana/runtime reads Grafana's boot data while it is evaluated.
import './runtime/boot';
import React from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './App';
import { setUpRuntime } from './runtime/runtime';

setUpRuntime();
// Components measure text once; measured in a font that is about to change, it would not fit.
Promise.all(['400 14px Inter', '500 14px Inter'].map((font) => document.fonts.load(font))).then(() =>
  createRoot(document.getElementById('root')!).render(<App />)
);
