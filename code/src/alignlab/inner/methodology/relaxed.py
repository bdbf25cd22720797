from __future__ import annotations
import copy
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from alignlab.inner.methodology.nets import *
from alignlab.inner.methodology.password import *
K=4
def unit(g): return g/(g.norm(dim=-1,keepdim=True)+1e-12)
def latent(nets, x, y, eps, rng, layer=1, aim="loss"):
    h = nets.hidden(x, layer).detach()
    size = eps*h.norm(dim=-1).mean(1)[:,None,None]
    d = size*unit(torch.tensor(rng(h.shape),dtype=torch.float32))*0.5
    for _ in range(K):
        d.requires_grad_(True)
        lo = nets.above(h+d, layer)
        t = cross_entropy(lo,y).sum() if aim=="loss" else (lo[...,2]-lo[...,:2].logsumexp(-1)).sum()
        g, = torch.autograd.grad(t, d)
        d = (d + size*0.5*unit(g)).detach()
        d = d*(size/(d.norm(dim=-1,keepdim=True)+1e-12)).clamp(max=1)
    return nets.above(nets.hidden(x,layer)+d, layer)
def noise(nets,x,y,eps,rng,layer=1):
    h = nets.hidden(x, layer)
    size = (eps*h.norm(dim=-1).mean(1)[:,None,None]).detach()
    d = size*unit(torch.tensor(rng(h.shape),dtype=torch.float32))
    return nets.above(h+d, layer)
def bits(nets,x,y,eps,rng,aim="unacc", per=4):
    x=x.clone()
    for _ in range(K):
        x.requires_grad_(True)
        lo=nets(x)
        t = cross_entropy(lo,y).sum() if aim=="loss" else (lo[...,2]-lo[...,:2].logsumexp(-1)).sum()
        g,=torch.autograd.grad(t,x)
        gain=(-2*x*g)[...,CONTENT:].detach()
        x=x.detach()
        top,idx=gain.topk(per,-1)
        f=torch.ones_like(gain).scatter(-1,idx,torch.where(top>0,-1.0,1.0))
        x=torch.cat([x[...,:CONTENT],x[...,CONTENT:]*f],-1)
    return nets(x), x
def inputs(nets,x,y,eps,rng,aim="unacc"):
    size=eps*x.norm(dim=-1).mean(1)[:,None,None]
    d=size*unit(torch.tensor(rng(x.shape),dtype=torch.float32))*.5
    for _ in range(K):
        d.requires_grad_(True)
        lo=nets(x+d)
        t = cross_entropy(lo,y).sum() if aim=="loss" else (lo[...,2]-lo[...,:2].logsumexp(-1)).sum()
        g,=torch.autograd.grad(t,d)
        d=(d+size*.5*unit(g)).detach()
        d=d*(size/(d.norm(dim=-1,keepdim=True)+1e-12)).clamp(max=1)
    return nets(x+d)
def harden(nets0, world, seeds, how, passes, eps, rate=1e-3, **kw):
    nets=copy.deepcopy(nets0)
    cost={"plain":1,"guess":2,"noise":2}.get(how,K+2)
    steps=passes//cost
    rows=batches(seeds,64,world.x.shape[1],steps,salt=5)
    rngs=[np.random.default_rng([s,7]) for s in seeds]
    rng=lambda shape: np.stack([r.normal(size=shape[1:]) for r in rngs])
    def loss(step):
        x,y=take(rows[step],world.x,world.y)
        l=cross_entropy(nets(x),y).mean(1)
        if how=="plain": return l
        if how=="latent": lo=latent(nets,x,y,eps,rng,**kw)
        if how=="noise": lo=noise(nets,x,y,eps,rng,**kw)
        if how=="bits": lo,_=bits(nets,x,y,eps,rng,**kw)
        if how=="input": lo=inputs(nets,x,y,eps,rng,**kw)
        if how=="guess":
            xx=x.clone(); xx[...,CONTENT:]=torch.tensor(np.sign(rng(xx[...,CONTENT:].shape)),dtype=torch.float32); lo=nets(xx)
        return (l+cross_entropy(lo,y).mean(1))/2
    descend(nets,loss,steps,rate)
    return nets
