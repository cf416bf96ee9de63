import { renderMarkdown } from '@grafana/data';
import { RenderUserContentAsHTML } from '@grafana/ui';
import React from 'react';
import { templateSrv } from '../runtime/templateSrv';
import type { VisualizationProps } from './visualization';

/** Markdown of a dashboard, sanitised by Grafana's renderer. */
export function TextPanel({ options }: VisualizationProps) {
  const html = renderMarkdown(templateSrv.replace(options.content ?? ''));
  return <RenderUserContentAsHTML className="markdown-html" content={html} />;
}
