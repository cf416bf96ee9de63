/** A panel as Grafana frames it: title, description, notices, the error in its corner, and the visualization inside. */
import {
  type CoreApp,
  type DataQuery,
  type DataTransformerConfig,
  EventBusSrv,
  type FieldConfigSource,
  LoadingState,
  type PanelData,
  type ScopedVars,
} from '@grafana/data';
import { ErrorBoundaryAlert, PanelChrome, PanelContextProvider } from '@grafana/ui';
import { defaultsDeep } from 'lodash';
import React, { useEffect, useMemo } from 'react';
import { useSize } from '../components/useSize';
import type { Time } from '../data/TimeControls';
import { useStyledData, usePanelData } from '../data/usePanelData';
import { templateSrv } from '../runtime/templateSrv';
import { Notices } from './Notices';
import { VISUALIZATIONS, suitable } from './visualizations';

/** The part of a panel in a dashboard's JSON that is drawn here. */
export interface PanelModel {
  id?: number;
  /** An id of `VISUALIZATIONS`; '' leaves the choice to the data. */
  type: string;
  title?: string;
  description?: string;
  transparent?: boolean;
  targets?: DataQuery[];
  options?: Record<string, any>;
  fieldConfig?: FieldConfigSource;
  transformations?: DataTransformerConfig[];
}

interface Props {
  model: PanelModel;
  app: CoreApp;
  time: Time;
  dashboardUID?: string;
  /** Changes when a variable does. */
  variablesKey?: string;
  scopedVars?: ScopedVars;
  onData?(data: PanelData): void;
}

const NO_QUERIES: DataQuery[] = [];
const NO_FIELD_CONFIG: FieldConfigSource = { defaults: {}, overrides: [] };

export function Panel({ model, app, time, dashboardUID, variablesKey = '', scopedVars, onData }: Props) {
  const [ref, width, height] = useSize<HTMLDivElement>();
  const context = { app, timeRange: time.range, maxDataPoints: width, scopedVars, panelId: model.id, dashboardUID };
  const raw = usePanelData(model.targets ?? NO_QUERIES, context, variablesKey, model.transformations);
  useEffect(() => onData?.(raw), [raw, onData]);

  const type = model.type || suitable(raw.series);
  const visualization = VISUALIZATIONS[type];
  const { defaults, overrides } = model.fieldConfig ?? NO_FIELD_CONFIG;
  const fieldConfig = useMemo(
    () => ({ defaults: defaultsDeep({}, defaults, visualization?.fieldDefaults), overrides }),
    [defaults, overrides, visualization]
  );
  const data = useStyledData(raw, fieldConfig);
  const panelContext = useMemo(
    () => ({ eventsScope: 'panel', eventBus: new EventBusSrv(), app, canAddAnnotations: () => false }),
    [app]
  );
  const title = templateSrv.replace(model.title ?? '', scopedVars, 'text');
  const isLoading = data.state === LoadingState.Loading && data.series.length === 0;
  return (
    <div ref={ref} style={{ width: '100%', height: '100%' }} data-testid={`panel ${title}`} data-state={data.state}>
      {width > 0 && height > 0 && (
        <PanelChrome
          width={width}
          height={height}
          title={title}
          description={model.description}
          displayMode={model.transparent ? 'transparent' : 'default'}
          loadingState={isLoading ? LoadingState.Loading : LoadingState.Done}
          statusMessage={errorOf(data)}
          titleItems={<Notices series={data.series} />}
        >
          {(innerWidth, innerHeight) => (
            <PanelContextProvider value={panelContext}>
              <ErrorBoundaryAlert dependencies={[type]}>
                <Body
                  type={type}
                  data={data}
                  options={model.options ?? {}}
                  width={innerWidth}
                  height={innerHeight}
                  onZoom={time.zoom}
                />
              </ErrorBoundaryAlert>
            </PanelContextProvider>
          )}
        </PanelChrome>
      )}
    </div>
  );
}

interface BodyProps {
  type: string;
  data: PanelData;
  options: Record<string, any>;
  width: number;
  height: number;
  onZoom(fromMs: number, toMs: number): void;
}

function Body({ type, ...props }: BodyProps) {
  const visualization = VISUALIZATIONS[type];
  if (!visualization) {
    return <Centred text={`The preview page has no "${type}" panel; Grafana has.`} />;
  }
  const isEmpty = type !== 'text' && props.data.series.every((frame) => frame.length === 0);
  if (isEmpty) {
    return <Centred text={props.data.state === LoadingState.Done ? 'No data' : ''} />;
  }
  return <visualization.Component {...props} />;
}

function Centred({ text }: { text: string }) {
  return <div style={{ display: 'grid', placeItems: 'center', height: '100%' }}>{text}</div>;
}

/** All that went wrong, in one line each. */
export function errorOf({ errors = [] }: PanelData): string | undefined {
  const messages = errors.map((error) => error.message ?? error.data?.message ?? 'Query error');
  return messages.length > 0 ? messages.join('\n') : undefined;
}
