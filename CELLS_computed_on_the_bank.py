import pandas as pd, numpy as np, time, warnings
from pathlib import Path
from crmlib import needs, value
from crmlib.needs import *
T=Path('TABLES_OF_A_VERSION'); R=lambda n: pd.read_parquet(T/f'{n}.parquet')
t0=time.time()
def lap(s):
    global t0; print(f'--- {s} {time.time()-t0:.1f}s'); t0=time.time()
survey=R('client_survey'); choices=R('client_choices'); maxdiff=R('client_maxdiff'); seg=R('segments').set_index('customer_id'); val=R('value').set_index('customer_id'); cust=R('customers').set_index('customer_id')
print(survey.dtypes.to_string()); print(choices.dtypes.to_string()); print(maxdiff.dtypes.to_string())
print(seg.lifecycle_stage.value_counts())
survey['customer_id']=survey.customer_id.astype(object).where(survey.customer_id.notna(),None)
w=survey.weight
wants=[c for c in survey if c.startswith('wants_')]; chose=[c for c in survey if c.startswith('chose_')]
c=choose_classes(survey[wants+chose],most=6,weights=w,ordinal=wants,min_share=.02); lap('classes'); print(c.table.round(2).to_string())
m=c.chosen; iv=m.intervals(200); lap('intervals'); print(iv.shares().round(3))
A=['rate','fee','rewards','service','digital']
table=choice_table(choices,A); checks=check_design(choices,A,better={'rate':'low','fee':'low'},seconds='seconds'); lap('design'); print(checks.counts if hasattr(checks,'counts') else checks)
models={'one for all':ConditionalLogit(),**{f'{k} classes':LatentClassLogit(k,n_init=10) for k in (2,3,4,5)},'each person':HierarchicalLogit()}
h=held_out(table,models,last=2); lap('held out'); print(h.table.to_string(), h.chosen)
model=models[h.chosen].fit(table); lap('fit'); pref=model.preferences(); print(importance(pref).round(3).to_string()); print(willingness_to_pay(pref,'fee').round(2).to_string()); lap('imp')
offers=pd.DataFrame({'basic':dict(rate=14,fee=0,rewards='points',service='call_centre',digital='basic'),'travel':dict(rate=16,fee=60,rewards='miles',service='adviser',digital='full')}).T
offers=offers.astype({'rate':float,'fee':float})
print(simulate(pref,offers,none=True).shares.round(3).to_string()); lap('simulate')
md=MaxDiff(LatentClassLogit(3,n_init=5)).fit(maxdiff); lap('maxdiff'); print(md.summary().round(2).head(12).to_string())
issues=[x for x in survey if x.startswith('satisfied_')]
d=drivers(survey[issues],survey.satisfaction,replications=200,seed=1,level=.9,weights=w); lap('drivers'); print(d.summary())
b=breakpoints(survey[issues],survey.satisfaction,alpha=.05,replications=200,seed=1,level=.9,weights=w); lap('breaks'); print([str(x.summary() if hasattr(x,'summary') else x) for x in b.values()])
linked=survey.customer_id
stage=linked.map(seg.lifecycle_stage); behaviour=stage.map(lambda x: 'gone' if x=='lapsed' else 'reduced' if x=='at risk' else 'kept' if isinstance(x,str) else None)
ans=survey[['reassessment','attachment','satisfaction','life_change']].assign(behaviour=behaviour)
prof=loyalty_profile(ans,Cutoffs(attachment=4,reassessment=4,life_change=1,satisfaction=6)); print(prof.value_counts())
vs=value_at_stake(prof,pd.DataFrame({n:linked.map(val[n]) for n in ('current_value','future_value')}),population=len(cust),replications=200,seed=1,level=.9,weights=w); print(vs.summary()); lap('loyalty')
post=m.posterior[survey.customer_id.notna()].set_axis(survey.customer_id.dropna()); ww=w[survey.customer_id.notna()].set_axis(post.index)
print('dup', post.index.duplicated().sum())
post=post[~post.index.duplicated()]; ww=ww[~ww.index.duplicated()]
cols=['birth_year','preferred_channel','income_band','occupation','household_size','region','gender']
acc=projection_accuracy(cust[cols].join(seg[['behaviour_segment','value_tier']]),post,weights=ww,replications=200,seed=1,level=.9); lap('accuracy'); print(acc.summary())
pr=project(acc,cust[cols].join(seg[['behaviour_segment','value_tier']])); lap('project'); print(pr.shares.round(3))
tr=pd.read_csv('data/demo_bank/truth/needs.csv.gz').set_index('customer_id'); x=pr.table.set_index('customer_id').join(tr); print(pd.crosstab(x.needs_segment_x if 'needs_segment_x' in x else x.needs_segment, x[[k for k in x if k.startswith('needs')][-1]])) if False else None
