/** Loads a plugin's `module.js` as Grafana does: AMD through SystemJS, with Grafana's own packages shared. */
/// <reference types="systemjs" />
import 'systemjs/dist/system.js';
import 'systemjs/dist/extras/amd.js';
import * as emotionCss from '@emotion/css';
import * as emotionReact from '@emotion/react';
import * as grafanaData from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import * as grafanaRuntimeUnstable from '@grafana/runtime/unstable';
import * as grafanaUi from '@grafana/ui';
import * as grafanaUiUnstable from '@grafana/ui/unstable';
import * as d3 from 'd3';
import i18next from 'i18next';
import lodash from 'lodash';
import moment from 'moment';
import prismjs from 'prismjs';
import * as React from 'react';
import * as jsxDevRuntime from 'react/jsx-dev-runtime';
import * as jsxRuntime from 'react/jsx-runtime';
import * as ReactDOM from 'react-dom';
import * as rxjs from 'rxjs';
import * as rxjsOperators from 'rxjs/operators';
import * as slate from 'slate';
import slatePlain from 'slate-plain-serializer';
import * as slateReact from 'slate-react';

/** The externals of `.config/bundler/externals.ts` that today's Grafana still ships and this project has installed. */
const SHARED: Record<string, object> = {
  '@emotion/css': emotionCss,
  '@emotion/react': emotionReact,
  '@grafana/data': grafanaData,
  '@grafana/runtime': grafanaRuntime,
  '@grafana/runtime/unstable': grafanaRuntimeUnstable,
  '@grafana/slate-react': slateReact,
  '@grafana/ui': grafanaUi,
  '@grafana/ui/unstable': grafanaUiUnstable,
  d3,
  emotion: emotionCss,
  i18next: { ...i18next, default: i18next, __useDefault: true },
  lodash: { default: lodash, __useDefault: true },
  moment: { default: moment, __useDefault: true },
  prismjs: { default: prismjs, __useDefault: true },
  react: React,
  'react-dom': ReactDOM,
  'react/jsx-dev-runtime': jsxDevRuntime,
  'react/jsx-runtime': jsxRuntime,
  rxjs,
  'rxjs/operators': rxjsOperators,
  slate,
  'slate-plain-serializer': { default: slatePlain, __useDefault: true },
};

function shareModules(): void {
  const imports: Record<string, string> = {};
  for (const [name, module] of Object.entries(SHARED)) {
    imports[name] = `package:${name}`;
    System.set(`package:${name}`, module);
  }
  System.addImportMap({ imports });
}

/**
 * @param url of module.js
 * @returns what the module exports; Grafana takes `plugin`
 */
export async function loadPluginModule<T extends object>(url: string): Promise<T> {
  shareModules();
  return (await System.import(new URL(url, window.location.href).href)) as T;
}
